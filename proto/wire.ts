import type { DescMethod, DescService, MessageInitShape, MessageShape } from "@bufbuild/protobuf"
import { create } from "@bufbuild/protobuf"
import type { MethodDefinition, ServiceDefinition } from "@grpc/grpc-js"
import { decodeMessage } from "./codec/decoder.js"
import { encodeMessage } from "./codec/encoder.js"
import { keepByteOrderMarks } from "./codec/utf8.js"

keepByteOrderMarks()

/** A message that is already encoded; it is sent as is. */
export type Encoded = Buffer

/** A message of the schema, as a handler or a caller may pass it: a plain object, or already encoded. */
export type Sendable<Schema extends DescMethod["input"]> = MessageInitShape<Schema> | Encoded

/** The grpc-js definition of a method. Incoming bytes stay bytes, see {@link decode}. */
export type WireMethod<Method extends DescMethod> = MethodDefinition<
  Sendable<Method["input"]> | Buffer,
  Sendable<Method["output"]> | Buffer
>

/** The grpc-js definition of a whole service, keyed by the RPCs' names in TypeScript (`storeChain`). */
export function serviceDefinition<Desc extends DescService>(desc: Desc): ServiceDefinition {
  return Object.fromEntries(desc.methods.map((method) => [method.localName, methodDefinition(method)]))
}

/**
 * The grpc-js definition of one method.
 *
 * Incoming bytes are passed on undecoded: grpc-js reports a deserialization error as INTERNAL, although malformed bytes are
 * the caller's fault.
 */
export function methodDefinition<Method extends DescMethod>(method: Method): WireMethod<Method> {
  const { requestStream, responseStream } = streamsOf(method.methodKind)
  return {
    path: `/${method.parent.typeName}/${method.name}`,
    originalName: method.localName,
    requestStream,
    responseStream,
    requestSerialize: (value) => encode(method.input, value),
    requestDeserialize: (bytes) => bytes,
    responseSerialize: (value) => encode(method.output, value),
    responseDeserialize: (bytes) => bytes,
  }
}

/** Encodes a message into its own memory; passes through bytes that are already encoded. */
export function encode<Schema extends DescMethod["input"]>(schema: Schema, value: Sendable<Schema>): Buffer {
  if (Buffer.isBuffer(value)) return value
  return encodeMessage(schema, create(schema, value as MessageInitShape<Schema>))
}

/** Decodes a message. Throws an Error for bytes that are not such a message, including invalid UTF-8. */
export function decode<Schema extends DescMethod["input"]>(
  schema: Schema,
  bytes: Buffer,
): MessageShape<Schema> {
  return decodeMessage(schema, bytes)
}

function streamsOf(kind: DescMethod["methodKind"]) {
  return {
    requestStream: kind === "client_streaming" || kind === "bidi_streaming",
    responseStream: kind === "server_streaming" || kind === "bidi_streaming",
  }
}
