"""A client of gRPC's own xDS: sends one request for each line it reads, and prints the answer.

A program of its own, as gRPC reads its bootstrap once, when it is imported.
"""

import sys

import grpc

TARGET, METHOD = sys.argv[1:]


def main() -> None:
    """Answer each line, until there are no more."""
    with grpc.insecure_channel(TARGET) as channel:
        call: grpc.UnaryUnaryMultiCallable[bytes, bytes] = channel.unary_unary(METHOD)
        for _ in sys.stdin:
            try:
                answer = call(b"", timeout=20, wait_for_ready=True).decode()
            except grpc.RpcError as error:
                answer = str(error.args)
            sys.stdout.write(f"{answer}\n")
            sys.stdout.flush()


main()
