// Inputs of the project's own vectors that are texts: JSON for the encoders, and times.

/** JSON values for the encoders: what a careless round trip would change. */
export const jsonTexts: Record<string, string> = {
  "numbers of every form":
    "[0,-0,0.0,-0.0,1,1.0,1.50,1E5,1e5,1e15,1e16,123456789012345680.0,1e-4,1e-5,0.00012345,2.5e-7,5e-324,1.7976931348623157e308]",
  "integers beyond a double": "[9007199254740993,-9223372036854775809,123456789012345678901234567890]",
  "powers of ten": "[1e20,1e21,1e22,1e23,100000000000000000000,0.000001,0.0000001]",
  "keys by code point":
    '{"\\ud834\\udd1e":1,"\\ue000":2,"\\uffff":3,"é":4,"e\\u0301":5,"z":6,"Z":7,"10":8,"9":9,"":10}',
  "keys that are dangerous":
    '{"toString":1,"__proto__":{"polluted":true},"constructor":[],"hasOwnProperty":null}',
  escapes:
    '{"s":"\\u0000\\u0001\\b\\t\\n\\u000b\\f\\r\\u001f \\"\\\\\\/\\u007f\\u0080\\u00a0\\u2028\\ufeff"}',
  "text beyond ASCII": '{"かぎ":"値","flag":"🏳️‍🌈","nfc":"é","nfd":"e\\u0301"}',
  "lone surrogate": '{"s":["a\\ud800","\\udc00\\ud800"]}',
  "empty values": '{"a":[],"b":{},"c":"","d":[[],[{}]]}',
  words: "[true,false,null]",
  "white space": ' { "b" : [ 1 , 2 ] ,\n\t"a" : { } } ',
  "bare number": "-12.50",
  "50 deep": `${"[".repeat(49)}1${"]".repeat(49)}`,
  "51 deep": `${"[".repeat(50)}1${"]".repeat(50)}`,
  "500 children": `{"list":[${Array.from({ length: 500 }, (_, index) => index).join(",")}]}`,
  "501 children": `{"list":[${Array.from({ length: 501 }, (_, index) => index).join(",")}]}`,
}

/** Texts of times, sound and not, each for a rule or an oddity of Python 3.11's fromisoformat. */
export const timeTexts = [
  ...[
    "2026-07-01T12:34:56",
    "2026-07-01T12:34:56Z",
    "2026-07-01T12:34:56+00:00",
    "2026-07-01 12:34:56-00:00",
  ],
  ...[
    "2026-07-01T12:34:56.7",
    "2026-07-01T12:34:56,78",
    "2026-07-01T12:34:56.123456789Z",
    "2026-07-01T12:34:56.000000",
  ],
  ...[
    "2026-07-01",
    "20260701",
    "2026-07-01T12",
    "2026-07-01T12:34",
    "20260701T123456+0530",
    "20260701T123456.5",
  ],
  ...[
    "2026-W27",
    "2026W27",
    "2026-W27-3",
    "2026W273",
    "2026-W27-0304",
    "2026W27304+05",
    "2026-W53-7",
    "2026-W54-1",
  ],
  ...["2025-W53-1", "2026-W00-1", "2026-W01-0", "2026-W01-8", "0001-W01-1", "9999-W52-6", "9999-W52-5"],
  ...[
    "2024-02-29",
    "2026-02-29",
    "1900-02-29",
    "2000-02-29",
    "0000-01-01",
    "10000-01-01",
    "2026-13-01",
    "2026-00-01",
  ],
  ...[
    "2026-07-01T24:00:00",
    "2026-07-01T23:60:00",
    "2026-07-01T23:59:60",
    "2026-07-01T",
    "2026-07-01T1",
    "2026-7-1",
  ],
  ...["2026-07-01T12:34:56+24:00", "2026-07-01T12:34:56-23:59:59.999999", "2026-07-01T12:34:56+05:99"],
  ...["2026-07-01T12:34:56+05:30:15", "2026-07-01T12:34:56+00:00:00.5", "2026-07-01T12:34:56+05:30:15.5"],
  ...[
    "2026-07-01T12:34:56z",
    "2026-07-01T12:34:56Z ",
    " 2026-07-01T12:34:56",
    "2026-07-01T12:34:56+",
    "2026-07-01T12:34:",
  ],
  ...[
    "2026-07-01T12:34:+05:00",
    "2026-07-01T12:34:56.+05:00",
    "2026-07-01T12:34:56:78",
    "2026-07-01T1234567",
  ],
  ...[
    "2026-07-01é12:34:56",
    "2026-07-01\u{1d11e}12:34:56Z",
    "2026-07-01T12:34:56é+05:00",
    "２０26-07-01",
    "now",
    "",
  ],
  ...["2026-07-01T12:34:56.12345678x+05:00", "0001-01-01T00:00:00+00:00"],
]

/** A value of a constraint, as JSON text, for each way in which Python prints values. */
export const constraintTexts: Record<string, string> = {
  string: '"read_only"',
  "string with both quotes": '"it\'s \\"so\\""',
  "list with one kind of quote": '["it\'s","say \\"so\\"","it\'s \\"so\\"","\\\\"]',
  "controls in a list": '["\\u0000\\t\\n\\r\\u001b\\u007f\\u0085\\u00a0\\u00ad"]',
  "printable and not, beyond ASCII":
    '["é","\\u200b","\\u2028","漢字","\\ud83d\\ude00","\\ue000","\\u0378","\\ud800","\\udb40\\udc01"]',
  numbers: "[1,1.0,-0,-0.0,1e16,1e-7,0.1,123456789012345678901234567890,1E400]",
  words: "[true,false,null]",
  "object in its order": '{"b":1,"a":{"10":[],"2":{}},"__proto__":"x"}',
  true: "true",
  "the string True": '"True"',
  null: "null",
  "empty string": '""',
}
