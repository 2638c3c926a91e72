"""A client of another language and another gRPC: Python's grpcio with code that protoc made from our .proto files.

Usage: client.py ADDRESS FOLDER_OF_GENERATED_CODE; exits with 0 if the registry behaves as the contract says.
"""

import os
import sys
import uuid

import grpc

address, generated = sys.argv[1:3]
sys.path.insert(0, generated)
# The generated grpc/health lies beside the library's own package of that name.
grpc.__path__.append(os.path.join(generated, "grpc"))

from google.rpc import error_details_pb2, status_pb2  # noqa: E402
from grpc.health.v1 import health_pb2, health_pb2_grpc  # noqa: E402
from trustregistry.v1 import chain_pb2, trust_store_pb2, trust_store_pb2_grpc  # noqa: E402

DEADLINE_S = 10


def main():
    with grpc.insecure_channel(address) as channel:
        store = trust_store_pb2_grpc.TrustStoreServiceStub(channel)
        check_health(health_pb2_grpc.HealthStub(channel))
        check_store_and_read(store)
        check_refusal_of_fields(store)
        check_refusal_of_revision(store)
        check_not_found(store)


def check_health(stub):
    reply = stub.Check(health_pb2.HealthCheckRequest(), timeout=DEADLINE_S)
    equal(reply.status, health_pb2.HealthCheckResponse.SERVING)


def check_store_and_read(store):
    chain = chain_of("agent-python")
    request = trust_store_pb2.StoreChainRequest(chain=chain, request_id=str(uuid.uuid4()))
    stored = store.StoreChain(request, timeout=DEADLINE_S)
    equal(stored.created, True)
    got = store.GetChain(trust_store_pb2.GetChainRequest(agent_id="agent-python"), timeout=DEADLINE_S)
    equal(got.chain, chain)
    equal(got.chain.genesis.metadata_json, '{"b": 1.0, "a": null}')
    equal(got.chain.delegations[0].constraints.HasField("allowed_tools"), True)
    equal(got.record, stored.record)
    # A retry gets the first answer.
    equal(store.StoreChain(request, timeout=DEADLINE_S), stored)


def check_refusal_of_fields(store):
    chain = chain_of("agent-refused")
    chain.genesis.authority_type = chain_pb2.AUTHORITY_TYPE_UNSPECIFIED
    chain.genesis.metadata_json = '{"a": 1, "a": 2}'
    error = failure(lambda: store.StoreChain(trust_store_pb2.StoreChainRequest(chain=chain), timeout=DEADLINE_S))
    equal(error.code(), grpc.StatusCode.INVALID_ARGUMENT)
    info, bad = details(error, error_details_pb2.ErrorInfo, error_details_pb2.BadRequest)
    equal((info.domain, info.reason), ("trustregistry", "TRUST_CHAIN_INVALID"))
    fields = {violation.field for violation in bad.field_violations}
    equal(fields, {"chain.genesis.authority_type", "chain.genesis.metadata_json"})
    counted = store.CountChains(
        trust_store_pb2.CountChainsRequest(filter={"agent_id_prefix": "agent-refused"}), timeout=DEADLINE_S
    )
    equal(counted.count, 0)


def check_refusal_of_revision(store):
    request = trust_store_pb2.StoreChainRequest(chain=chain_of("agent-python"), expected_revision=0)
    error = failure(lambda: store.StoreChain(request, timeout=DEADLINE_S))
    equal(error.code(), grpc.StatusCode.ABORTED)
    (info,) = details(error, error_details_pb2.ErrorInfo)
    equal((info.reason, info.metadata["expected_revision"]), ("REVISION_CONFLICT", "0"))


def check_not_found(store):
    request = trust_store_pb2.GetChainRequest(agent_id="agent-nobody")
    error = failure(lambda: store.GetChain(request, timeout=DEADLINE_S))
    equal(error.code(), grpc.StatusCode.NOT_FOUND)
    info, resource = details(error, error_details_pb2.ErrorInfo, error_details_pb2.ResourceInfo)
    equal((info.reason, resource.resource_name), ("TRUST_CHAIN_NOT_FOUND", "agent-nobody"))


def chain_of(agent_id):
    genesis = chain_pb2.GenesisRecord(
        id=f"gen-{agent_id}",
        agent_id=agent_id,
        authority_id="org-python",
        authority_type=chain_pb2.AUTHORITY_TYPE_ORGANIZATION,
        created_at="2026-01-01T00:00:00+00:00",
        signature="c2lnbmF0dXJl",
        metadata_json='{"b": 1.0, "a": null}',
    )
    delegation = chain_pb2.DelegationRecord(
        id="del-1",
        delegator_id="agent-delegator",
        delegatee_id=agent_id,
        task_id="task-1",
        capabilities_delegated=["read_data"],
        delegated_at="2026-01-02T00:00:00+00:00",
        signature="c2lnbmF0dXJl",
        signing_payload_version="v2-complete",
        # No tools, which is not the same as any tool.
        constraints=chain_pb2.ConstraintDimensions(allowed_tools=chain_pb2.AllowedTools()),
    )
    return chain_pb2.TrustLineageChain(genesis=genesis, delegations=[delegation])


def details(error, *kinds):
    """The google.rpc details of these kinds, each exactly once."""
    packed = dict(error.trailing_metadata())["grpc-status-details-bin"]
    status = status_pb2.Status.FromString(packed)
    equal((status.code, status.message), (error.code().value[0], error.details()))
    found = []
    for kind in kinds:
        (any_of_kind,) = [any for any in status.details if any.Is(kind.DESCRIPTOR)]
        message = kind()
        any_of_kind.Unpack(message)
        found.append(message)
    return found


def failure(call):
    try:
        call()
    except grpc.RpcError as error:
        return error
    raise AssertionError("the call did not fail")


def equal(actual, expected):
    if actual != expected:
        raise AssertionError(f"expected {expected!r}, got {actual!r}")


main()
