"""Of what was not named, and is not below what was, nothing is read: no line of it is ever shown."""

import os
from pathlib import Path

import pytest
from stillframe.engine.documents.named_files import MOST
from stillframe.engine.errors import PolicyError
from stillframe.engine.loading.policies import load_policies
from stillframe.engine.loading.ruleset import load_rules

POLICY = """
id: keys
title: Keys
severity: low
resource: AWS::KMS::Key
assert: Enabled
tests: [{name: none, given: {AWS::KMS::Key: []}, expect: none}]
"""
TESTS = "tests: [{name: none of them, given: {AWS::KMS::Key: []}, expect: none}]\n"
SECRET = "resource: hunter2\npassword: hunter2\nid: secret\n"


@pytest.fixture
def folder(tmp_path):
    """A folder of policies, and beside it a file that is nobody's business."""
    (tmp_path / "secret.yaml").write_text(SECRET)
    (tmp_path / "in" / "sub").mkdir(parents=True)
    (tmp_path / "in" / "keys.yaml").write_text(POLICY)
    return tmp_path / "in"


def _link(target: str) -> str:
    return f"-> {target}"


OUTSIDE = {  # what a stranger puts into a folder: name → text, or where a link leads
    "a policy that is a link": {"x.yaml": _link("../secret.yaml")},
    "a link to an absolute place": {"x.yaml": _link("/etc/passwd")},
    "a link to a link": {"x.yaml": _link("y"), "y": _link("../secret.yaml")},
    "a link below": {"sub/x.yml": _link("../../secret.yaml")},
    "tests that are a link": {"keys.test.yaml": _link("../secret.yaml")},
    "a policy that extends a path": {"x.yaml": "id: x\ntitle: X\nextends: ../secret\n"},
    "a policy that extends an absolute path": {"x.yaml": "id: x\ntitle: X\nextends: /etc/passwd\n"},
    "a policy that extends a link": {
        "secret.yaml": _link("../secret.yaml"),
        "x.yaml": "id: x\ntitle: X\nextends: secret\n",
    },
    "a link to nothing": {"x.yaml": _link("../absent.yaml")},
    "a link to itself": {"x.yaml": _link("x.yaml")},
}


def put(folder: Path, files: dict[str, str]) -> None:
    for name, text in files.items():
        if text.startswith("-> "):
            (folder / name).symlink_to(text[3:])
        else:
            (folder / name).write_text(text)


def shown(error: PolicyError) -> str:
    return "\n".join([str(error), *(each.source for each in error.problems)])


@pytest.mark.parametrize("what", OUTSIDE)
def test_what_lies_outside_a_folder_that_was_named_is_not_read(folder, what):
    put(folder, OUTSIDE[what])
    with pytest.raises(PolicyError) as error:
        load_policies([folder], shipped=False)
    assert "hunter2" not in shown(error.value)
    assert "root:" not in shown(error.value)


@pytest.mark.parametrize(
    "what", ["tests that are a link", "a policy that extends a path", "a policy that extends a link"]
)
def test_nor_is_what_lies_outside_the_folder_of_a_file_that_was_named(folder, what):
    put(folder, OUTSIDE[what])
    with pytest.raises(PolicyError) as error:
        load_policies([folder / ("keys.yaml" if "tests" in what else "x.yaml")], shipped=False)
    assert "hunter2" not in shown(error.value)


def test_a_link_that_stays_below_is_a_file_like_others(folder):
    (folder / "keys.yaml").rename(folder / "sub" / "data")
    (folder / "keys.yaml").symlink_to("sub/data")
    (folder / "keys.test.yaml").write_text(TESTS)
    (policy,) = load_policies([folder], shipped=False)
    assert len(policy.tests) == 2


def test_what_is_named_is_what_its_name_leads_to(folder, tmp_path):
    (tmp_path / "named.yaml").symlink_to(folder / "keys.yaml")
    (tmp_path / "there").symlink_to(folder)
    assert load_policies([tmp_path / "named.yaml"], shipped=False)[0].id == "keys"
    assert load_policies([tmp_path / "there"], shipped=False)[0].id == "keys"


def test_folders_whose_names_end_like_files_are_folders(folder):
    (folder / "keys.yaml").rename(folder / "data")
    (folder / "x.yaml").mkdir()
    (folder / "data").rename(folder / "x.yaml" / "keys.yaml")
    (folder / "x.yaml" / "loop.yaml").symlink_to("..")
    assert [each.id for each in load_policies([folder], shipped=False)] == ["keys"]


def test_hidden_folders_hold_nothing_unless_they_are_named(folder):
    (folder / ".venv").mkdir()
    (folder / ".venv" / "strange.yaml").write_text("not: a policy\n")
    assert [each.id for each in load_policies([folder], shipped=False)] == ["keys"]
    with pytest.raises(PolicyError, match=r"strange\.yaml"):
        load_policies([folder / ".venv"], shipped=False)


def test_a_pipe_that_lies_in_a_folder_is_no_policy(folder):
    os.mkfifo(folder / "pipe.yaml")
    with pytest.raises(PolicyError, match=r"pipe\.yaml: cannot be read: not a regular file"):
        load_policies([folder], shipped=False)
    (folder / "x.yaml").write_text("id: x\ntitle: X\nextends: pipe\n")
    with pytest.raises(PolicyError, match="no policy pipe beside it"):
        load_policies([folder / "x.yaml"], shipped=False)


def test_a_pipe_that_is_named_is_read():
    reader, writer = os.pipe()
    os.write(writer, POLICY.encode())
    os.close(writer)
    assert load_policies([Path(f"/dev/fd/{reader}")], shipped=False)[0].id == "keys"


def test_a_file_whose_name_is_no_text_is_refused(folder):
    (folder / os.fsdecode(b"\xff.yaml")).write_text(POLICY.replace("keys", "keyz"))
    with pytest.raises(PolicyError, match="its name is not UTF-8"):
        load_policies([folder], shipped=False)


@pytest.mark.parametrize("name", ["keys.yaml", "/dev/zero"])
def test_what_is_named_has_a_most(folder, name):
    os.truncate(folder / "keys.yaml", MOST + 1)
    with pytest.raises(PolicyError, match="larger than"):
        load_policies([folder / name], shipped=False)


CONFIGS = {
    "policies: [../secret.yaml]": "it leads out of",
    "policies: [..]": "it leads out of",
    "policies: [../absent.yaml]": "it leads out of",
    "policies: [/etc/passwd]": "it leads out of",
    "policies: [sub/../../secret.yaml]": "it leads out of",
    "policies: [away.yaml]": "it leads out of",
    "policies: [away]": "it leads out of",
    "packs: [../secret.yaml]": "it leads out of",
    "packs: [away.yaml]": "it leads out of",
    'policies: ["a\\0b"]': "is no path",
    'packs: ["a\\0.yaml"]': "is no path",
    "policies: [absent.yaml]": "no such file",
}


@pytest.mark.parametrize("text", CONFIGS)
def test_what_a_config_names_is_below_its_own_folder(folder, text):
    (folder / "away.yaml").symlink_to("../secret.yaml")
    (folder / "away").symlink_to("..")
    (folder / "stillframe.yaml").write_text(text)
    with pytest.raises(PolicyError, match=CONFIGS[text]) as error:
        load_rules(folder / "stillframe.yaml")
    assert "hunter2" not in shown(error.value)


def test_a_config_that_is_found_as_a_link_leads_no_further(folder, monkeypatch):
    monkeypatch.chdir(folder)
    Path("stillframe.yaml").symlink_to("../secret.yaml")
    with pytest.raises(PolicyError, match=r"stillframe\.yaml: cannot be read: it leads out of") as error:
        load_rules(Path("stillframe.yaml"))
    assert "hunter2" not in shown(error.value)
