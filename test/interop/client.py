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

from google.protobuf import field_mask_pb2  # noqa: E402
from google.rpc import error_details_pb2, status_pb2  # noqa: E402
from grpc.health.v1 import health_pb2, health_pb2_grpc  # noqa: E402
from trustregistry.v1 import (  # noqa: E402
    authority_pb2,
    authority_pb2_grpc,
    chain_pb2,
    consistency_pb2,
    trust_store_pb2,
    trust_store_pb2_grpc,
)

DEADLINE_S = 10


def main():
    with grpc.insecure_channel(address) as channel:
        store = trust_store_pb2_grpc.TrustStoreServiceStub(channel)
        check_health(health_pb2_grpc.HealthStub(channel))
        stored = check_store_and_read(store)
        check_refusal_of_fields(store)
        check_refusal_of_revision(store)
        check_not_found(store)
        check_consistency(store, stored)
        check_items_of_batches(store)
        check_update_masks(authority_pb2_grpc.AuthorityServiceStub(channel))


def check_health(stub):
    reply = stub.Check(health_pb2.HealthCheckRequest(), timeout=DEADLINE_S)
    equal(reply.status, health_pb2.HealthCheckResponse.SERVING)


def check_store_and_read(store):
    chain = chain_of("agent-python")
    request = trust_store_pb2.StoreChainRequest(chain=chain, request_id=str(uuid.uuid4()))
    stored = store.StoreChain(request, timeout=DEADLINE_S)
    equal(stored.created, True)
    got = store.GetChain(trust_store_pb2.GetChainRequest(agent_id="agent-python"), timeout=DEADLINE_S)
    equal(got.stored.chain, chain)
    equal(got.stored.chain.genesis.metadata_json, '{"b": 1.0, "a": null}')
    equal(got.stored.chain.delegations[0].constraints.HasField("allowed_tools"), True)
    equal(got.stored.record, stored.record)
    # A retry gets the first answer.
    equal(store.StoreChain(request, timeout=DEADLINE_S), stored)
    return stored.record


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


def check_consistency(store, record):
    updated = store.StoreChain(trust_store_pb2.StoreChainRequest(chain=chain_of("agent-python", "v2")), timeout=DEADLINE_S)
    for consistency, revision in [
        (consistency_pb2.Consistency(strong=True), updated.record.revision),
        (consistency_pb2.Consistency(min_revision=updated.record.revision), updated.record.revision),
        (consistency_pb2.Consistency(at_revision=record.revision), record.revision),
    ]:
        request = trust_store_pb2.GetChainRequest(agent_id="agent-python", consistency=consistency)
        equal(store.GetChain(request, timeout=DEADLINE_S).stored.record.revision, revision)
        listed = store.ListChains(trust_store_pb2.ListChainsRequest(consistency=consistency), timeout=DEADLINE_S)
        equal([chain.record.revision for chain in listed.chains], [revision])
    request = trust_store_pb2.CountChainsRequest(consistency=consistency_pb2.Consistency(strong=False))
    error = failure(lambda: store.CountChains(request, timeout=DEADLINE_S))
    (bad,) = details(error, error_details_pb2.BadRequest)
    equal([violation.field for violation in bad.field_violations], ["consistency.strong"])


def check_items_of_batches(store):
    invalid = chain_of("agent-item")
    invalid.genesis.created_at = "yesterday"
    requests = [trust_store_pb2.StoreChainRequest(chain=chain) for chain in (chain_of("agent-sound"), invalid)]
    reply = store.BatchStoreChains(trust_store_pb2.BatchStoreChainsRequest(requests=requests), timeout=DEADLINE_S)
    sound, refused = reply.results
    equal((sound.WhichOneof("result"), sound.stored.created), ("stored", True))
    equal(refused.error.code, grpc.StatusCode.INVALID_ARGUMENT.value[0])
    info, bad = details_in(refused.error, error_details_pb2.ErrorInfo, error_details_pb2.BadRequest)
    equal((info.domain, info.reason), ("trustregistry", "TRUST_CHAIN_INVALID"))
    equal(bad.field_violations[0].field, "requests[1].chain.genesis.created_at")

    def stream():
        for request in requests:
            yield trust_store_pb2.ImportChainsRequest(request=request)

    imported = list(store.ImportChains(stream(), timeout=DEADLINE_S))
    equal([answer.index for answer in imported], [0, 1])
    equal(imported[0].result.stored.created, False)
    (info,) = details_in(imported[1].result.error, error_details_pb2.ErrorInfo)
    equal(info.reason, "TRUST_CHAIN_INVALID")

    request = trust_store_pb2.BatchDeleteChainsRequest(agent_ids=["agent-sound", "agent-nobody"], purge=True)
    deleted, missing = store.BatchDeleteChains(request, timeout=DEADLINE_S).results
    equal((deleted.WhichOneof("result"), deleted.record.agent_id), ("record", "agent-sound"))
    info, resource = details_in(missing.error, error_details_pb2.ErrorInfo, error_details_pb2.ResourceInfo)
    equal((info.reason, resource.resource_name), ("TRUST_CHAIN_NOT_FOUND", "agent-nobody"))


def check_update_masks(stub):
    # The public key of the first test in RFC 8032.
    key = authority_pb2.AuthorityKey(key_id="1", public_key="11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=")
    authority = authority_pb2.Authority(
        id="org-mask",
        name="before",
        authority_type=chain_pb2.AUTHORITY_TYPE_SYSTEM,
        keys=[key],
        metadata_json='{"a": 1}',
    )
    stub.RegisterAuthority(authority_pb2.RegisterAuthorityRequest(authority=authority), timeout=DEADLINE_S)
    changes = authority_pb2.Authority(id="org-mask", name="after")
    mask = field_mask_pb2.FieldMask(paths=["name", "metadata_json"])
    stub.UpdateAuthority(
        authority_pb2.UpdateAuthorityRequest(authority=changes, update_mask=mask), timeout=DEADLINE_S
    )
    got = stub.GetAuthority(authority_pb2.GetAuthorityRequest(authority_id="org-mask"), timeout=DEADLINE_S)
    authority.name = "after"
    authority.ClearField("metadata_json")
    equal(got.stored.authority, authority)


def chain_of(agent_id, version="v1"):
    genesis = chain_pb2.GenesisRecord(
        id=f"gen-{agent_id}-{version}",
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
    return details_in(status, *kinds)


def details_in(status, *kinds):
    """The google.rpc details of these kinds in a status, each exactly once."""
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
