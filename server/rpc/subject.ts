import type { RpcContext } from "./context.js"

/** Notes in the context which agent or authority a request is about: it names it, or holds its chain or all of it. */
export function noteSubject<Request extends object>(request: Request, context: RpcContext): Request {
  const { agentId, chain, authorityId, authority }: Subject = request
  const agent = agentId ?? chain?.genesis?.agentId
  if (agent !== undefined) context.agentId = agent
  const authorityNamed = authorityId ?? authority?.id
  if (authorityNamed !== undefined) context.authorityId = authorityNamed
  return request
}

interface Subject {
  agentId?: string
  chain?: { genesis?: { agentId?: string } }
  authorityId?: string
  authority?: { id?: string }
}
