"""What Rust prints of a connection that did not come about becomes words for a person."""

import pytest

from atlas.temporal.unreachable import passes, unreachable

_AFTER = "Failed client connect: `get_system_info` call error after connection: Status "


@pytest.mark.fault(4)
@pytest.mark.parametrize(
    "raised",
    [
        '{ code: Unknown, message: "transport error", source: Some(tonic::transport::Error('
        "Transport, hyper::Error(Io, Kind(ConnectionReset)))) }",
        '{ code: Unknown, message: "transport error", source: Some(tonic::transport::Error('
        "Transport, hyper::Error(Io, Custom { kind: BrokenPipe, error: "
        '"stream closed because of a broken pipe" }))) }',
        '{ code: Cancelled, message: "operation was canceled", source: Some('
        'tonic::transport::Error(Transport, hyper::Error(Canceled, "connection closed"))) }',
    ],
)
def test_a_server_that_hangs_up_is_told_as_such(raised: str) -> None:
    told = unreachable("127.0.0.1:7233", _AFTER + raised)
    assert told.startswith("Temporal at 127.0.0.1:7233 closed the connection. ")
    assert "hyper" not in told
    assert passes(_AFTER + raised)


@pytest.mark.fault(4)
@pytest.mark.parametrize(
    ("raised", "why"),
    [
        (
            "Failed client connect: Server connection error: tonic::transport::Error(Transport, "
            'ConnectError(ConnectError("tcp connect error", 127.0.0.1:7233, Os { code: 111, kind: '
            'ConnectionRefused, message: "Connection refused" })))',
            "Connection refused",
        ),
        (
            "Failed client connect: Server connection error: tonic::transport::Error(Transport, "
            'ConnectError(ConnectError("dns error", Custom { kind: Uncategorized, error: "failed '
            'to lookup address information: Name or service not known" })))',
            "failed to lookup address information: Name or service not known",
        ),
        ("deadline has elapsed", "deadline has elapsed"),
    ],
)
def test_a_server_that_is_not_reached_is_told_with_the_innermost_reason(
    raised: str, why: str
) -> None:
    told = unreachable("127.0.0.1:7233", raised)
    assert told.startswith(f"Temporal does not answer at 127.0.0.1:7233: {why}. Start ")
    assert passes(raised)
