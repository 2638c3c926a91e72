import {
  type DescFile,
  type DescService,
  type Message,
  type MessageInitShape,
  toBinary,
} from "@bufbuild/protobuf"
import { nestedTypes } from "@bufbuild/protobuf/reflect"
import { FileDescriptorProtoSchema } from "@bufbuild/protobuf/wkt"
import { status as Code } from "@grpc/grpc-js"
import { reflectionV1, reflectionV1alpha } from "@trust-registry/proto"
import type { RpcContext } from "./rpc/context.js"
import type { Handlers } from "./rpc/handlers.js"
import { sanitize } from "./rpc/sanitize.js"

type Request = reflectionV1.ServerReflectionRequest | reflectionV1alpha.ServerReflectionRequest
type Response = Exclude<MessageInitShape<typeof reflectionV1.ServerReflectionResponseSchema>, Message>
type Answer = NonNullable<Response["messageResponse"]>
type ReflectionHandlers = Handlers<typeof reflectionV1.ServerReflection, RpcContext> &
  Handlers<typeof reflectionV1alpha.ServerReflection, RpcContext>

/** Both versions of the reflection service, whose messages are the same except for the package. */
export const reflectionServices = [reflectionV1.ServerReflection, reflectionV1alpha.ServerReflection] as const

/**
 * gRPC server reflection for exactly these services, from their generated descriptors.
 *
 * @param others files whose messages are sent in an Any, so that no service's file imports them
 */
export function createReflectionHandlers(
  services: readonly DescService[],
  others: readonly DescFile[],
): ReflectionHandlers {
  const files = new Map<string, DescFile>()
  for (const file of [...services.map((service) => service.file), ...others]) collectFiles(file, files)
  const symbols = indexSymbols(files.values())

  function answer({ messageRequest: asked }: Request, sent: Set<DescFile>): Answer {
    switch (asked.case) {
      case "listServices":
        return { case: "listServicesResponse", value: listOf(services) }
      case "fileByFilename":
        return filesFrom(files.get(asked.value), sent) ?? notFound(`file ${asked.value}`)
      case "fileContainingSymbol":
        return (
          filesFrom(symbols.get(asked.value.replace(/^\./, "")), sent) ?? notFound(`symbol ${asked.value}`)
        )
      case "allExtensionNumbersOfType":
        return symbols.has(asked.value) ? noExtensions(asked.value) : notFound(`type ${asked.value}`)
      case "fileContainingExtension":
        return notFound(`extension ${asked.value.extensionNumber} of ${asked.value.containingType}`)
      default:
        return failure(Code.INVALID_ARGUMENT, "the server does not support this request")
    }
  }

  return {
    async *serverReflectionInfo(requests: AsyncIterable<Request>) {
      const sent = new Set<DescFile>()
      for await (const request of requests) {
        yield { validHost: request.host, originalRequest: request, messageResponse: answer(request, sent) }
      }
    },
    // One function for both: only the type names of the messages differ, and these plain values fit both.
  } as ReflectionHandlers
}

function collectFiles(file: DescFile, files: Map<string, DescFile>) {
  const name = file.proto.name
  if (files.has(name)) return
  files.set(name, file)
  for (const dependency of file.dependencies) collectFiles(dependency, files)
}

function indexSymbols(files: Iterable<DescFile>) {
  const symbols = new Map<string, DescFile>()
  for (const file of files) {
    for (const type of nestedTypes(file)) {
      symbols.set(type.typeName, file)
      const members = type.kind === "service" ? type.methods : type.kind === "message" ? type.fields : []
      for (const { name } of members) symbols.set(`${type.typeName}.${name}`, file)
    }
  }
  return symbols
}

/** The file and its imports, except those already sent on this stream. */
function filesFrom(file: DescFile | undefined, sent: Set<DescFile>): Answer | undefined {
  if (!file) return undefined
  const wanted = new Map<string, DescFile>()
  collectFiles(file, wanted)
  const fresh = [...wanted.values()].filter((each) => each === file || !sent.has(each))
  for (const each of fresh) sent.add(each)
  const fileDescriptorProto = fresh.map(({ proto }) => toBinary(FileDescriptorProtoSchema, proto))
  return { case: "fileDescriptorResponse", value: { fileDescriptorProto } }
}

function listOf(services: readonly DescService[]) {
  return { service: services.map(({ typeName }) => ({ name: typeName })) }
}

function noExtensions(baseTypeName: string): Answer {
  return { case: "allExtensionNumbersResponse", value: { baseTypeName, extensionNumber: [] } }
}

function notFound(what: string): Answer {
  return failure(Code.NOT_FOUND, `this server does not know ${sanitize(what, 200)}`)
}

function failure(errorCode: Code, errorMessage: string): Answer {
  return { case: "errorResponse", value: { errorCode, errorMessage } }
}
