"""The services of the proto, offered by plain functions from a request to a response.

In flow a service's name and a function for each of its methods; out flows what gRPC serves. A
function refuses by raising `RefusedError`; a store that does not answer is `UNAVAILABLE`. One line
a call says what came of it, and never what was handed out.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Any

import grpc
from google.protobuf.descriptor import MethodDescriptor
from google.protobuf.message_factory import GetMessageClass

from hack.cosi_driver.proto import cosi_pb2

Function = Callable[[Any], Any]
_PACKAGE = cosi_pb2.DESCRIPTOR.package
_NAMED = frozenset({"name", "bucket_id", "account_id"})


class RefusedError(Exception):
    """A call that can't be done as asked: its code, and why in words that users may see."""

    def __init__(self, code: grpc.StatusCode, why: str) -> None:
        super().__init__(why)
        self.code = code
        self.why = why


def service(name: str, functions: Mapping[str, Function]) -> grpc.GenericRpcHandler:
    """Service `name`, whose methods are exactly `functions`. Raises ValueError if they are not."""
    methods = {method.name: method for method in cosi_pb2.DESCRIPTOR.services_by_name[name].methods}
    if methods.keys() != functions.keys():
        raise ValueError(f"{name} has the methods {', '.join(methods)}")

    return grpc.method_handlers_generic_handler(
        f"{_PACKAGE}.{name}",
        {name: _handler(method, functions[name]) for name, method in methods.items()},
    )


def _handler(method: MethodDescriptor, function: Function) -> grpc.RpcMethodHandler[Any, Any]:
    request, response = GetMessageClass(method.input_type), GetMessageClass(method.output_type)

    return grpc.unary_unary_rpc_method_handler(
        lambda message, context: _answer(method.name, function, message, context),
        request_deserializer=request.FromString,
        response_serializer=response.SerializeToString,
    )


def _answer(name: str, function: Function, request: Any, context: grpc.ServicerContext) -> Any:
    started = time.monotonic()

    def say(outcome: str) -> None:
        about = [value for field, value in request.ListFields() if field.name in _NAMED]
        seconds = time.monotonic() - started
        print(f"{' '.join([name, *about])}: {outcome} after {seconds:.2f} s", flush=True)

    try:
        response = function(request)
    except RefusedError as refused:
        say(f"{refused.code.name}, {refused.why}")
        context.abort(refused.code, refused.why)
    except OSError as error:
        say(f"the store does not answer, {error}")
        context.abort(grpc.StatusCode.UNAVAILABLE, f"the store does not answer: {error}")

    say("done")

    return response
