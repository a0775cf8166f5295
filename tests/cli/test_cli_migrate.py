"""`xds migrate`: a file for today's routers on standard output, the rest on standard error."""

from cli.console import GOOD, Finished, Xds


def test_an_old_file_is_printed_anew_and_is_right(xds: Xds) -> None:
    xds.write("old.yaml", GOOD.replace("weight: 3", "weight: 3\n    api_key: sk-secret"))
    ran = xds("migrate", "old.yaml")
    xds.write("new.yaml", ran.out)

    assert ran.code == 0
    assert ran.out.startswith("version: v0.3\n")
    assert ran.err.startswith("old.yaml:6:14: warning: vllm_endpoints[0].api_key: is left out; ")
    assert "sk-secret" not in ran.out + ran.err
    assert xds("validate", "new.yaml") == Finished(0, "new.yaml: ok, 2 endpoints, 1 model\n", "")


def test_a_file_that_can_not_be_migrated_is_told(xds: Xds) -> None:
    ran = xds("migrate", "bad.yaml")

    assert (ran.code, ran.out) == (1, "")
    assert len(ran.err.splitlines()) == 3
