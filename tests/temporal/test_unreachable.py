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
