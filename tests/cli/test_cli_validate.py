"""`xds validate` and the command line as such: exit codes, and what goes where."""

import signal
from pathlib import Path

from cli.console import GOOD, Finished, Xds

# The mistakes of bad.yaml: where each of them is, and its first words.
MISTAKES = (
    "bad.yaml:3:14: vllm_endpoints[0].address: ",
    "bad.yaml:4:11: vllm_endpoints[0].port: ",
    "bad.yaml:7:27: model_config.qwen3.preferred_endpoints[0]: ",
)


def test_every_mistake_of_every_file_is_told_at_once(xds: Xds, tmp_path: Path) -> None:
    xds.write("empty.yaml", "")
    (tmp_path / "binary.yaml").write_bytes(b"\x7fELF\x02\x01\xff\xfe")
    (tmp_path / "folder").mkdir()

    ran = xds(
        "validate",
        *("bad.yaml", "good.yaml", "no-such-file.yaml", "folder", "binary.yaml", "empty.yaml"),
    )

    assert ran.code == 1
    assert ran.out == "good.yaml: ok, 2 endpoints, 1 model\n"
    *mistakes, missing, folder, binary, empty = ran.err.splitlines()
    assert [line.startswith(start) for line, start in zip(mistakes, MISTAKES, strict=True)] == [
        True
    ] * 3
    assert missing == "no-such-file.yaml: there is no such file; check the path"
    assert folder == "folder: this is a directory; name the file in it"
    assert binary == "binary.yaml:1:7: this is not text in UTF-8; write a YAML file"
    assert empty.startswith("empty.yaml:1:1: the file is empty; write ")


def test_settings_are_checked_with_the_file_that_they_belong_to(xds: Xds) -> None:
    xds.write("settings.yaml", "endpoints:\n  a: {priority: 1}\n")
    xds.write("wrong.yaml", "endpoints:\n  c: {priority: 1}\n")
    right = xds.start("validate", "good.yaml", "--settings", "settings.yaml")
    wrong = xds.start("validate", "good.yaml", "--settings", "wrong.yaml")
    gone = xds.start("validate", "no-config.yaml", "--settings", "no-settings.yaml")

    assert right.finish() == Finished(0, "good.yaml: ok, 2 endpoints, 1 model\n", "")
    assert wrong.finish().code == 1
    assert wrong.finish().err.startswith(
        'wrong.yaml:2:3: endpoints.c: there is no endpoint named "c"'
    )
    assert gone.finish().code == 1
    assert [line.split(":")[0] for line in gone.finish().err.splitlines()] == [
        "no-config.yaml",
        "no-settings.yaml",
    ]


def test_a_real_envoy_accepts_what_a_good_file_becomes(xds: Xds) -> None:
    ran = xds("validate", "--envoy", "good.yaml", "bad.yaml")

    assert ran.out == "good.yaml: ok, 2 endpoints, 1 model\n"
    assert ran.code == 1
    assert len(ran.err.splitlines()) == len(MISTAKES)


def test_warnings_are_told_and_are_errors_where_that_is_asked_for(xds: Xds) -> None:
    xds.write("old.yaml", GOOD.replace("weight: 3", "models: [qwen3]"))
    lax = xds.start("validate", "old.yaml")
    strict = xds.start("validate", "--strict", "old.yaml")
    rendered = xds.start("render", "old.yaml")
    refused = xds.start("render", "--strict", "old.yaml")
    place = "old.yaml:5:5: "

    assert lax.finish().code == rendered.finish().code == 0
    assert lax.finish().out == "old.yaml: ok, 2 endpoints, 1 model\n"
    for ran in (lax, rendered):
        assert ran.finish().err.startswith(f"{place}warning: vllm_endpoints[0].models: ")
    for ran in (strict, refused):
        assert (ran.finish().code, ran.finish().out) == (1, "")
        assert ran.finish().err.startswith(f"{place}vllm_endpoints[0].models: ")


def test_the_key_of_a_manifest_that_is_read_is_told(xds: Xds) -> None:
    indented = "".join(f"    {line}\n" for line in GOOD.splitlines())
    xds.write("manifest.yaml", f"kind: ConfigMap\ndata:\n  router.yaml: |\n{indented}")
    validated = xds.start("validate", "manifest.yaml")
    rendered = xds.start("render", "manifest.yaml")
    plain = xds.start("render", "good.yaml")
    key = 'data["router.yaml"]'

    assert validated.finish().out == f"manifest.yaml: ok, 2 endpoints, 1 model, in {key}\n"
    assert rendered.finish().err == f"manifest.yaml: reading {key}\n"
    assert rendered.finish().out == plain.finish().out
    serving = xds.start("serve", "manifest.yaml", "--listen", "127.0.0.1:0")
    assert key in serving.told("found in a ConfigMap")
    serving.signal(signal.SIGTERM)
    assert serving.finish().code == 0


def test_wrong_usage_is_told_with_exit_code_2(xds: Xds) -> None:
    unknown, nothing = xds.start("no-such-command"), xds.start()

    assert unknown.finish().code == 2
    assert "No such command 'no-such-command'" in unknown.finish().err
    assert nothing.finish().code == 2
    commands = ("serve", "up", "demo", "validate", "render", "migrate", "schema", "bootstrap")
    for command in (*commands, "status"):
        assert f" {command} " in nothing.finish().out
