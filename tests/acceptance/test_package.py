"""The files of a release: named and made as the registry wants them, and installed by a real `terraform init`.

What is packaged is what `make build` built. The judges are Terraform and sha256sum; what GoReleaser would make is read from
its configuration, since it is not needed to run the tests. Signatures need gpg, and are tested by `make check-signing`.
"""

import importlib.util
import json
import os
import platform
import re
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from . import processes
from .configuration import group
from .conftest import ROOT, TOOL, folder
from .host import ADDRESS, Host, Workspace
from .simulator import Simulator

SCRIPT = ROOT / "scripts" / "package.py"
PROVIDER = processes.PROVIDER
FUNCTION = "drs-engine-lambda"
# Packages by what their binaries are called.
SOURCES = {PROVIDER: PROVIDER, TOOL: TOOL} | ({FUNCTION: "bootstrap"} if sys.platform == "linux" else {})
REGISTRY = "registry.terraform.io"
ARCHITECTURE = {"x86_64": "amd64", "aarch64": "arm64", "arm64": "arm64"}[platform.machine()]
PLATFORM = f"{sys.platform}_{ARCHITECTURE}"
PAPERS = {"CHANGELOG.md", "LICENSE"}
# What a release is made for, in the registry's words.
PLATFORMS = {"linux_amd64", "linux_arm64", "darwin_amd64", "darwin_arm64", "windows_amd64"}
RUN_SECONDS = 180.0

pytestmark = pytest.mark.usefixtures("host")
# What no Terraform takes part in is the same for all of them.
once = pytest.mark.parametrize("host", ["path"], indirect=True)


def run(*command: str | Path, expect: int = 0, **options) -> subprocess.CompletedProcess:
    # A missing judge is an error, never a reason to skip.
    assert shutil.which(command[0]), f"the acceptance tests need {command[0]} on PATH; there is none"
    done = subprocess.run(command, capture_output=True, text=True, timeout=RUN_SECONDS, **options)
    assert done.returncode == expect, f"{command}: exit code {done.returncode}\n{done.stdout}\n{done.stderr}"
    return done


def package(binaries: Path, out: Path, *arguments: str, env: dict | None = None, expect: int = 0, **options):
    """Runs the script that `make package` runs, over binaries that are there."""
    mine = {name: value for name, value in os.environ.items() if name != "GPG_FINGERPRINT"}
    arguments = ("assets", "--binaries", str(binaries), "--out", str(out), *arguments)
    return run(sys.executable, SCRIPT, *arguments, env=mine | (env or {}), expect=expect, **options)


@pytest.fixture(scope="module")
def version(binaries: Path) -> str:
    """What the provider says that it is; the others say the same."""
    said = {run(binaries / name, "version").stdout.split()[1].rstrip(",") for name in SOURCES.values()}
    assert len(said) == 1, said
    return said.pop()


@pytest.fixture(scope="module")
def packaged(binaries: Path, version: str) -> Iterator[Path]:
    """A folder with the files of a release, unsigned."""
    with folder() as path:
        package(binaries, path, "--version", version)
        yield path


@pytest.fixture
def stand_ins(workspace: Workspace, version: str) -> Path:
    """Small binaries that say the version, where what is in them does not count."""
    path = workspace.folder / "stand-ins"
    path.mkdir()
    for name in SOURCES.values():
        (path / name).write_text(f"#!/bin/sh\necho {name} {version}\n")
        (path / name).chmod(0o755)
    return path


def files(path: Path) -> dict[str, bytes]:
    return {file.name: file.read_bytes() for file in path.iterdir()}


# What the registry asks of names and contents.


def test_terraform_installs_the_package_and_plans_with_it(
    workspace: Workspace, simulator: Simulator, packaged: Path, version: str
) -> None:
    mirror = workspace.folder / "mirror"
    place = mirror / REGISTRY / ADDRESS
    place.mkdir(parents=True)
    # Whatever they are named: whether Terraform finds what it needs is the question.
    for file in packaged.glob(f"{PROVIDER}*.zip"):
        shutil.copy(file, place)
    workspace.install_from(mirror)
    source = f'source = "{ADDRESS}"'
    pinned = simulator.provider().replace(source, f'{source}, version = "{version}"')
    workspace.write(pinned, group("web", server_selection_tags={"Tier": "web"}))

    initialized = workspace.run("init", "-no-color", "-input=false")
    assert f"Installed {ADDRESS} v{version}" in initialized.flat
    locked = (workspace.folder / ".terraform.lock.hcl").read_text()
    entry = re.search(r'^provider "(.+)" \{\n  version += "(.+)"\n', locked, re.MULTILINE)
    assert entry and entry.groups() == (f"{REGISTRY}/{ADDRESS}", version), locked
    installed = workspace.folder / "data" / "providers" / REGISTRY / ADDRESS / version / PLATFORM
    assert {file.name for file in installed.iterdir()} == PAPERS | {f"{PROVIDER}_v{version}"}

    planned = workspace.plan()
    assert "Plan: 1 to add, 0 to change, 0 to destroy." in planned.flat
    assert "Provider development overrides" not in planned.text


@once
def test_the_files_are_those_that_the_registry_looks_for(packaged: Path, version: str, binaries: Path) -> None:
    stems = {f"{name}_{version}_{PLATFORM}" for name in SOURCES}
    assets = {f"{stem}.{kind}" for stem in stems for kind in ("zip", "cdx.json")}
    summed = assets | {f"{PROVIDER}_{version}_manifest.json"}
    sums = f"{PROVIDER}_{version}_SHA256SUMS"
    assert set(files(packaged)) == summed | {sums}

    run("sha256sum", "--check", "--strict", sums, cwd=packaged)
    lines = (packaged / sums).read_text().splitlines()
    assert [line[66:] for line in lines] == sorted(summed)
    assert all(re.fullmatch(r"[0-9a-f]{64}  \S+", line) for line in lines)

    manifest = (packaged / f"{PROVIDER}_{version}_manifest.json").read_text()
    assert manifest == (ROOT / "terraform-registry-manifest.json").read_text()
    assert json.loads(manifest) == {"version": 1, "metadata": {"protocol_versions": ["6.0"]}}

    for name, source in SOURCES.items():
        inside = f"{PROVIDER}_v{version}" if name == PROVIDER else source
        with zipfile.ZipFile(packaged / f"{name}_{version}_{PLATFORM}.zip") as zip_file:
            modes = {entry.filename: entry.external_attr >> 16 for entry in zip_file.infolist()}
            assert modes == {paper: 0o100644 for paper in PAPERS} | {inside: 0o100755}
            assert zip_file.read(inside) == (binaries / source).read_bytes()
            assert all(zip_file.read(paper) == (ROOT / paper).read_bytes() for paper in PAPERS)


@once
def test_a_second_packaging_has_the_same_bytes(workspace: Workspace, packaged: Path, binaries: Path, version: str) -> None:
    """Elsewhere, at another time, in another time zone, by a person whose files nobody else may read."""
    copies, out = workspace.folder / "copies", workspace.folder / "dist"
    copies.mkdir()
    for name in SOURCES.values():
        shutil.copyfile(binaries / name, copies / name)
        (copies / name).chmod(0o700)
    package(copies, out, "--version", version, env={"TZ": "Pacific/Auckland"}, cwd=workspace.folder, umask=0o077)
    first, second = files(packaged), files(out)
    assert first.keys() == second.keys()
    assert [name for name in first if first[name] != second[name]] == []


# What is refused.


@pytest.mark.parametrize("wrong", ["v0.1.0", "0.1", "01.1.0", "0.1.0+build", "0.1.0-", "0.1.0-01", "latest"])
@once
def test_what_is_no_version_is_refused(workspace: Workspace, stand_ins: Path, wrong: str) -> None:
    refused = package(stand_ins, workspace.folder / "dist", "--version", wrong, expect=1)
    assert f"'{wrong}' is no version" in refused.stderr


@once
def test_a_version_that_the_binary_does_not_say_is_refused(workspace: Workspace, stand_ins: Path, version: str) -> None:
    out = workspace.folder / "dist"
    refused = package(stand_ins, out, "--version", f"{version}-other", expect=1)
    assert f"says that it is version {version}, not {version}-other" in refused.stderr
    assert f"build it with DRS_VERSION={version}-other" in refused.stderr
    assert files(out) == {}


@once
def test_a_version_without_a_section_in_the_changelog_is_refused(workspace: Workspace, stand_ins: Path) -> None:
    refused = package(stand_ins, workspace.folder / "dist", "--version", "999.0.0-rc.1", expect=1)
    assert "CHANGELOG.md has no section `## 999.0.0`" in refused.stderr


@once
def test_the_changelog_has_the_categories_of_the_registry_in_their_order() -> None:
    categories = ["BREAKING CHANGES", "NOTES", "FEATURES", "ENHANCEMENTS", "BUG FIXES"]
    versions = re.split(r"^## (.+)$", (ROOT / "CHANGELOG.md").read_text(), flags=re.MULTILINE)[1:]
    assert versions
    for heading, text in zip(versions[::2], versions[1::2], strict=True):
        assert re.fullmatch(r"\d+\.\d+\.\d+ \((unreleased|\w+ \d{1,2}, \d{4})\)", heading), heading
        there = re.findall(r"^([A-Z][A-Z ]+):$", text, re.MULTILINE)
        assert there and there == [category for category in categories if category in there], (heading, there)


# The bill of materials.


@pytest.mark.parametrize("name", SOURCES)
@once
def test_the_bill_of_materials_has_what_cyclonedx_requires(packaged: Path, version: str, name: str) -> None:
    bom = json.loads((packaged / f"{name}_{version}_{PLATFORM}.cdx.json").read_text())
    assert bom.keys() == {"bomFormat", "specVersion", "version", "metadata", "components", "dependencies"}
    assert (bom["bomFormat"], bom["specVersion"], bom["version"]) == ("CycloneDX", "1.6", 1)
    own = bom["metadata"]["component"]
    assert (own["type"], own["name"], own["version"]) == ("application", name, version)

    for component in (own, *bom["components"]):
        assert component.keys() - {"hashes"} == {"type", "bom-ref", "name", "version", "licenses", "purl"}
        assert component["type"] in ("application", "library")
        assert component["purl"].startswith(f"pkg:cargo/{component['name']}@{component['version']}")
        assert component["bom-ref"] == component["purl"]
        [licence] = component["licenses"]
        # An SPDX expression has no slash in it.
        assert re.fullmatch(r"[A-Za-z0-9.() -]+", licence["expression"]), component
        is_ours = "?vcs_url=" in component["purl"]
        hashes = component.get("hashes", [])
        assert is_ours or [it["alg"] for it in hashes] == ["SHA-256"], component
        assert all(re.fullmatch("[0-9a-f]{64}", it["content"]) for it in hashes)

    refs = [own["bom-ref"], *(component["bom-ref"] for component in bom["components"])]
    assert len(refs) == len(set(refs))
    assert sorted(entry["ref"] for entry in bom["dependencies"]) == sorted(refs)
    assert {needed for entry in bom["dependencies"] for needed in entry["dependsOn"]} == set(refs) - {own["bom-ref"]}


@once
def test_the_bill_of_materials_names_what_is_in_the_binary(packaged: Path, version: str, binaries: Path) -> None:
    """Panics of a crate name its source, so the binary itself can be asked."""
    bom = json.loads((packaged / f"{PROVIDER}_{version}_{PLATFORM}.cdx.json").read_text())
    listed = {f"{component['name']}-{component['version']}" for component in bom["components"]}
    content = (binaries / PROVIDER).read_bytes()
    found = {match.decode() for match in re.findall(rb"/registry/src/[^/]+/([a-z0-9_.+-]+)/src/", content, re.IGNORECASE)}
    assert len(found) > 50, found
    assert found <= listed, found - listed
    names = {component["name"] for component in bom["components"]}
    assert {"drs-engine", "drs-engine-aws", "tfplugin", "aws-sdk-drs", "tonic"} <= names
    # The first two are for tests and for building only; the last one is only in the graph of the whole workspace.
    assert not names & {"insta", "cc", "ring"}


# GoReleaser makes the same files.


@pytest.fixture(scope="module")
def goreleaser() -> dict:
    return yaml.safe_load((ROOT / ".goreleaser.yml").read_text())


def by_id(entries: list[dict]) -> dict[str, dict]:
    return {entry["id"]: entry for entry in entries}


def filled(template: str, version: str) -> str:
    """A template of GoReleaser's; one with a field that is not known here is an error."""
    system, architecture = PLATFORM.split("_")
    fields = {"ProjectName": PROVIDER, "Version": version, "Os": system, "Arch": architecture, "Ext": ""}
    return re.sub(r"\{\{ \.(\w+) \}\}", lambda match: fields[match[1]], template)


@once
def test_goreleaser_gives_every_file_the_same_name(goreleaser: dict, packaged: Path, version: str) -> None:
    assert goreleaser["project_name"] == PROVIDER
    archives, checksum = goreleaser["archives"], goreleaser["checksum"]
    assert all(archive["formats"] == ["zip"] for archive in archives)
    names = {filled(archive["name_template"], version) + ".zip" for archive in archives}
    names |= {filled(document, version) for sbom in goreleaser["sboms"] for document in sbom["documents"]}
    names |= {filled(extra["name_template"], version) for extra in checksum["extra_files"]}
    names |= {filled(checksum["name_template"], version)}
    assert names == set(files(packaged))
    assert goreleaser["release"]["extra_files"] == checksum["extra_files"]
    [extra], [sign] = checksum["extra_files"], goreleaser["signs"]
    assert extra["glob"] == "terraform-registry-manifest.json"
    assert (sign["artifacts"], sign["signature"]) == ("checksum", "${artifact}.sig")
    assert "--no-armor" in sign["args"] and "--detach-sign" in sign["args"]


@once
def test_goreleaser_packs_the_same_members(goreleaser: dict, packaged: Path, version: str) -> None:
    builds, archives, sboms = (by_id(goreleaser[kind]) for kind in ("builds", "archives", "sboms"))
    assert builds.keys() == archives.keys() == sboms.keys()
    for id_, archive in archives.items():
        assert archive["ids"] == [id_] == sboms[id_]["ids"]
        members = {filled(builds[id_]["binary"], version)} | {paper["src"] for paper in archive["files"]}
        with zipfile.ZipFile(packaged / f"{filled(archive['name_template'], version)}.zip") as zip_file:
            assert set(zip_file.namelist()) == members


@once
def test_goreleaser_builds_every_platform_with_the_version_of_the_tag(goreleaser: dict) -> None:
    spec = importlib.util.spec_from_file_location("package", SCRIPT)
    module = importlib.util.module_from_spec(spec)
    sys.modules["package"] = module
    spec.loader.exec_module(module)
    for build in goreleaser["builds"]:
        assert build["builder"] == "rust"
        names = [module.Platform.of(triple).name for triple in build["targets"]]
        # Lambda is Linux.
        wanted = {name for name in PLATFORMS if build["id"] != "lambda" or name.startswith("linux")}
        assert sorted(names) == sorted(wanted), "a platform is missing, or two targets have one name"
        assert "DRS_VERSION={{ .Version }}" in build["env"]
        assert {"--release", "--locked"} <= set(build["flags"])
    packages = [flag for build in goreleaser["builds"] for flag in build["flags"] if flag.startswith("--package=")]
    assert packages == [f"--package={PROVIDER}", f"--package={TOOL}", f"--package={FUNCTION}"]


@once
def test_goreleasers_bill_of_materials_is_the_same(
    goreleaser: dict, packaged: Path, version: str, workspace: Workspace
) -> None:
    triple = re.search(r"^host: (\S+)$", run("rustc", "-vV").stdout, re.MULTILINE)[1]
    for sbom in goreleaser["sboms"]:
        document = workspace.folder / filled(sbom["documents"][0], version)
        given = {"$document": str(document), "{{ .Target }}": triple, "{{ .Version }}": version}
        arguments = sbom["args"]
        for template, value in given.items():
            arguments = [argument.replace(template, value) for argument in arguments]
        # It runs in a folder below the root.
        run(sbom["cmd"], *arguments, cwd=ROOT / "scripts")
        assert document.read_bytes() == (packaged / document.name).read_bytes()


@once
def test_goreleaser_finds_the_binary_under_the_name_that_it_publishes(
    goreleaser: dict, workspace: Workspace, version: str, host: Host
) -> None:
    """With a cargo that builds nothing, run as GoReleaser runs it."""
    target = "x86_64-pc-windows-gnu"
    fake, built = workspace.folder / "bin", workspace.folder / "target" / target / "release"
    fake.mkdir()
    built.mkdir(parents=True)
    (fake / "cargo").write_text(f'#!/bin/sh\necho "$@" > arguments\nprintf built > {built}/{PROVIDER}.exe\n')
    (fake / "cargo").chmod(0o755)
    build = by_id(goreleaser["builds"])["provider"]
    published = filled(build["binary"], version) + ".exe"
    fields = {"{{ .Name }}": published, "{{ .Ext }}": ".exe", "{{ .Version }}": version}
    env = {"PATH": f"{fake}:{os.environ['PATH']}"}
    for line in build["env"]:
        for template, value in fields.items():
            line = line.replace(template, value)
        name, _, value = line.partition("=")
        env[name] = value
    run(ROOT / build["tool"], "zigbuild", f"--target={target}", *build["flags"], cwd=workspace.folder, env=env)
    assert (built / published).read_text() == "built"
    asked = (workspace.folder / "arguments").read_text().split()
    assert asked == ["zigbuild", f"--target={target}", *build["flags"]]
