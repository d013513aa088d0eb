#!/usr/bin/env python3
"""Packages a release: the files that the Terraform registry wants from a provider, drsctl, the function of AWS Lambda for
Linux, and a bill of materials of each.

  scripts/package.py assets [--profile dev|release] [--version X.Y.Z] [--target TRIPLE] [--binaries FOLDER] [--out FOLDER]
  scripts/package.py sbom --package NAME --version X.Y.Z --target TRIPLE --out FILE

`assets` builds the binaries with the version stamped in, and writes into the folder `dist`. With `--binaries` it builds
nothing and takes what is there. The same binaries give the same bytes every time, except for the signature, which has its
time in it. The sums cover everything of this version in the folder, so that the platforms of a release can be packaged one
after the other. Names and contents are those of .goreleaser.yml; a test compares them.

What it does not do: it publishes nothing, makes no tag, and needs no network once cargo has its crates.
"""

import argparse
import hashlib
import json
import os
import re
import stat
import subprocess
import sys
import urllib.parse
import zipfile
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PROVIDER = "terraform-provider-drs"
TOOL = "drsctl"
FUNCTION = "drs-engine-lambda"
# What Lambda starts in a zip for `provided.al2023`.
BOOTSTRAP = "bootstrap"
PAPERS = ("CHANGELOG.md", "LICENSE")
MANIFEST = "terraform-registry-manifest.json"
# As semver.org has it, without build metadata: a plus sign cannot be part of a version in the registry.
NUMBER = r"(?:0|[1-9]\d*)"
SEMVER = re.compile(
    rf"({NUMBER}\.{NUMBER}\.{NUMBER})(?:-(?:{NUMBER}|\d*[A-Za-z-][\dA-Za-z-]*)"
    rf"(?:\.(?:{NUMBER}|\d*[A-Za-z-][\dA-Za-z-]*))*)?"
)
# The registry's words for what Rust calls otherwise.
ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64"}
SYSTEMS = ("linux", "darwin", "windows")
# The earliest time that a zip can hold.
ZIP_TIME = (1980, 1, 1, 0, 0, 0)
# RSA and DSA, by their numbers in OpenPGP: the registry takes no key on a curve.
SIGNATURE_ALGORITHMS = ("1", "17")
CYCLONEDX = "1.6"


class Refused(Exception):
    """What is wrong, and what to do."""


@dataclass(frozen=True)
class Platform:
    """What a release is built for."""

    triple: str
    system: str
    architecture: str

    @property
    def name(self) -> str:
        return f"{self.system}_{self.architecture}"

    @property
    def suffix(self) -> str:
        return ".exe" if self.system == "windows" else ""

    @classmethod
    def of(cls, triple: str) -> "Platform":
        parts = triple.split("-")
        architecture = ARCHITECTURES.get(parts[0])
        system = parts[2] if len(parts) > 2 else ""
        if architecture is None or system not in SYSTEMS:
            raise Refused(f"the registry's name for the platform {triple} is not known here")
        return cls(triple, system, architecture)


def main() -> int:
    asked = arguments()
    try:
        if asked.what == "assets":
            assets(asked)
        else:
            write_json(Path(asked.out), sbom(asked.package, asked.version, asked.target))
    except Refused as refused:
        print(f"package: {refused}", file=sys.stderr)
        return 1
    return 0


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(dest="what", required=True)
    command = commands.add_parser("assets", help="every file of a release, for one platform")
    command.add_argument("--profile", choices=("dev", "release"), default="release")
    command.add_argument("--version", help="that of the workspace unless given")
    command.add_argument("--target", help="a Rust triple; this machine's unless given")
    command.add_argument("--binaries", help="a folder of built binaries; nothing is built then")
    command.add_argument("--out", default=str(ROOT / "dist"))
    command = commands.add_parser("sbom", help="the bill of materials of one binary")
    command.add_argument("--package", choices=(PROVIDER, TOOL, FUNCTION), required=True)
    for name in ("--version", "--target", "--out"):
        command.add_argument(name, required=True)
    return parser.parse_args()


# The files of a release.


def assets(asked: argparse.Namespace) -> None:
    """Everything for one platform, the sums, and the signature where there is a key."""
    platform = Platform.of(asked.target or host_triple())
    version = asked.version or workspace_version()
    check_version(version)
    out = Path(asked.out).resolve()
    out.mkdir(parents=True, exist_ok=True)
    folder = Path(asked.binaries).resolve() if asked.binaries else build(asked.profile, version, asked.target)
    made = []
    for package, source, binary in contents(platform, version):
        built = folder / f"{source}{platform.suffix}"
        check_binary(built, version, platform)
        stem = f"{package}_{version}_{platform.name}"
        made.append(archive(out / f"{stem}.zip", built, binary + platform.suffix))
        made.append(write_json(out / f"{stem}.cdx.json", sbom(package, version, platform.triple)))
        print(f"{package} {version} for {platform.triple}: {size(built)}, zipped {size(out / f'{stem}.zip')}")
    manifest = out / f"{PROVIDER}_{version}_manifest.json"
    manifest.write_bytes((ROOT / MANIFEST).read_bytes())
    sums = write_sums(out, version)
    signature = sign(sums)
    for file in (*made, manifest, sums, *signature):
        print(f"  {file}")
    if not signature:
        print(
            f"NOT SIGNED: GPG_FINGERPRINT is not set, so there is no {sums.name}.sig, and no registry takes this release.",
            file=sys.stderr,
        )


def contents(platform: Platform, version: str) -> list[tuple[str, str, str]]:
    """What is packaged for a platform: the package, its binary as cargo calls it, and as it is called in the zip."""
    packaged = [(PROVIDER, PROVIDER, f"{PROVIDER}_v{version}"), (TOOL, TOOL, TOOL)]
    # Lambda is Linux.
    return packaged + ([(FUNCTION, BOOTSTRAP, BOOTSTRAP)] if platform.system == "linux" else [])


def archive(file: Path, built: Path, binary: str) -> Path:
    """A zip of the binary and the papers, with nothing of this machine or this moment in it."""
    members = {binary: (built, 0o755)} | {paper: (ROOT / paper, 0o644) for paper in PAPERS}
    with zipfile.ZipFile(file, "w") as zip_file:
        for name, (source, mode) in sorted(members.items()):
            entry = zipfile.ZipInfo(name, ZIP_TIME)
            entry.compress_type = zipfile.ZIP_DEFLATED
            # Unix, whatever this machine is: only then do the modes count.
            entry.create_system = 3
            entry.external_attr = (stat.S_IFREG | mode) << 16
            zip_file.writestr(entry, source.read_bytes())
    return file


def write_sums(out: Path, version: str) -> Path:
    """SHA-256 of everything of this version in the folder, as `sha256sum` writes and checks it."""
    sums = out / f"{PROVIDER}_{version}_SHA256SUMS"
    known = [f"{package}_{version}_*{kind}" for package in (PROVIDER, TOOL, FUNCTION) for kind in (".zip", ".json")]
    files = sorted(file for pattern in known for file in out.glob(pattern))
    sums.write_text("".join(f"{hashlib.sha256(file.read_bytes()).hexdigest()}  {file.name}\n" for file in files))
    return sums


def sign(sums: Path) -> list[Path]:
    """The binary detached signature by the key of GPG_FINGERPRINT. Without one, none, and an older one is removed."""
    signature = sums.with_name(f"{sums.name}.sig")
    signature.unlink(missing_ok=True)
    key = os.environ.get("GPG_FINGERPRINT")
    if not key:
        return []
    gpg = ("gpg", "--batch", "--no-armor")
    run(*gpg, "--local-user", key, "--output", signature, "--detach-sign", sums)
    run(*gpg, "--verify", signature, sums)
    algorithm = re.search(r"^:signature packet: algo (\d+),", run(*gpg, "--list-packets", signature), re.MULTILINE)
    if not algorithm or algorithm[1] not in SIGNATURE_ALGORITHMS:
        signature.unlink()
        raise Refused(f"the key {key} signs with a curve; the registry takes RSA and DSA only")
    return [signature]


# What is built, and under which version.


def build(profile: str, version: str, target: str | None) -> Path:
    """Builds the binaries; the folder that they are in.

    For a release each is built by itself: built together, each has the features that the other asks for. That would build
    most crates twice, so for development they are built together, as `make build` does.
    """
    linux = (FUNCTION,) if Platform.of(target or host_triple()).system == "linux" else ()
    every = (PROVIDER, TOOL, *linux)
    for packages in [every] if profile == "dev" else [(package,) for package in every]:
        command = ["cargo", "build", "--locked", "--profile", profile]
        command += [f"--package={package}" for package in packages]
        if target:
            command += ["--target", target]
        if subprocess.run(command, cwd=ROOT, env=os.environ | {"DRS_VERSION": version}).returncode:
            raise Refused(f"{' '.join(command)} failed")
    folder = Path(metadata(target or host_triple())["target_directory"])
    return folder / (target or "") / ("debug" if profile == "dev" else profile)


def check_version(version: str) -> None:
    """Whether it may be published: as the registry writes versions, and with its section in the changelog."""
    semver = SEMVER.fullmatch(version)
    if not semver:
        raise Refused(f"{version!r} is no version: it has to be X.Y.Z or X.Y.Z-PRERELEASE, without a v or a plus sign")
    heading = re.search(rf"^## {re.escape(semver[1])}( .*)?$", (ROOT / "CHANGELOG.md").read_text(), re.MULTILINE)
    if not heading:
        raise Refused(f"CHANGELOG.md has no section `## {semver[1]}`")
    if semver[1] == version and "unreleased" in heading[0].lower():
        print(f"package: CHANGELOG.md still calls {version} unreleased", file=sys.stderr)


def check_binary(binary: Path, version: str, platform: Platform) -> None:
    """Whether it is there and says the version itself, which only a binary of this machine's platform can be asked."""
    if not binary.is_file():
        raise Refused(f"{binary} is missing")
    if platform.name != Platform.of(host_triple()).name:
        print(f"package: {binary.name} of {platform.triple} cannot be asked for its version here", file=sys.stderr)
        return
    said = run(binary, "version").split()[1].rstrip(",")
    if said != version:
        raise Refused(f"{binary} says that it is version {said}, not {version}: build it with DRS_VERSION={version}")


def workspace_version() -> str:
    versions = {package["name"]: package["version"] for package in metadata(host_triple())["packages"]}
    return versions[PROVIDER]


def host_triple() -> str:
    return re.search(r"^host: (\S+)$", run("rustc", "-vV"), re.MULTILINE)[1]


# The bill of materials.


def sbom(package: str, version: str, triple: str) -> dict:
    """CycloneDX: the crates that a binary is made of, procedural macros too, and what asks for them.

    cargo says which they are (`cargo tree`, which resolves features for this one binary, where `cargo metadata` resolves
    them for the workspace and its tests), what they are (`cargo metadata`), and what was downloaded (Cargo.lock).
    """
    told = {(crate["name"], crate["version"]): crate for crate in metadata(triple)["packages"]}
    sums = checksums()
    tree = dependencies(package, triple)
    # Our own crates have no versions of their own: they are released together.
    stamp = {crate: (crate[0], version) if is_ours(told[crate]) else crate for crate in tree}
    refs = {crate: purl(stamp[crate], told[crate]) for crate in tree}
    own = next(crate for crate in tree if crate[0] == package)
    parts = {crate: component(stamp[crate], told[crate], refs[crate], sums.get(crate)) for crate in tree}
    return {
        "bomFormat": "CycloneDX",
        "specVersion": CYCLONEDX,
        "version": 1,
        "metadata": {
            "component": parts[own] | {"type": "application"},
            "properties": [{"name": "cargo:target", "value": triple}],
        },
        "components": [parts[crate] for crate in sorted(tree) if crate != own],
        "dependencies": [
            {"ref": refs[crate], "dependsOn": sorted(refs[needed] for needed in tree[crate])} for crate in sorted(tree)
        ],
    }


def component(crate: tuple[str, str], told: dict, ref: str, checksum: str | None) -> dict:
    name, version = crate
    # Cargo once wrote a slash where SPDX writes OR.
    licence = re.sub(r"\s*/\s*", " OR ", told["license"] or "")
    if not licence:
        raise Refused(f"{name} {version} names no licence")
    made = {"type": "library", "bom-ref": ref, "name": name, "version": version}
    if checksum:
        made["hashes"] = [{"alg": "SHA-256", "content": checksum}]
    return made | {"licenses": [{"expression": licence}], "purl": ref}


def purl(crate: tuple[str, str], told: dict) -> str:
    """A package URL; our own crates are in no registry, and say where they are."""
    name, version = crate
    url = f"pkg:cargo/{name}@{urllib.parse.quote(version, safe='')}"
    if is_ours(told):
        url += "?vcs_url=" + urllib.parse.quote(f"git+{told['repository']}@v{version}", safe="")
    return url


def is_ours(told: dict) -> bool:
    return told["source"] is None


def dependencies(package: str, triple: str) -> dict[tuple[str, str], set[tuple[str, str]]]:
    """The crates of a binary, each with the crates that it asks for; build scripts and tests are not in it."""
    shape = ("--edges", "normal", "--prefix", "depth", "--format", " {p}", "--color", "never")
    lines = cargo("tree", "--package", package, "--target", triple, *shape).splitlines()
    tree: dict[tuple[str, str], set[tuple[str, str]]] = {}
    path: list[tuple[str, str]] = []
    for line in lines:
        depth, name, version = line.split()[:3]
        crate = (name, version.removeprefix("v"))
        tree.setdefault(crate, set())
        path[int(depth):] = [crate]
        if len(path) > 1:
            tree[path[-2]].add(crate)
    return tree


def checksums() -> dict[tuple[str, str], str]:
    """What cargo checks downloads against."""
    entry = re.compile(r'name = "(.+)"\nversion = "(.+)"\nsource = ".+"\nchecksum = "([0-9a-f]{64})"\n')
    found = entry.findall((ROOT / "Cargo.lock").read_text())
    return {(name, version): checksum for name, version, checksum in found}


def metadata(triple: str) -> dict:
    return json.loads(cargo("metadata", "--format-version", "1", "--filter-platform", triple))


def cargo(command: str, *rest: str) -> str:
    return run("cargo", command, "--locked", "--offline", *rest)


# Small things.


def run(*command: str | Path) -> str:
    """What a command prints; its failure is ours, with what it said."""
    try:
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    except FileNotFoundError:
        raise Refused(f"{command[0]} is needed, and not on PATH") from None
    if done.returncode:
        raise Refused(f"{' '.join(map(str, command))} failed:\n{done.stderr.strip()}")
    return done.stdout


def write_json(file: Path, document: dict) -> Path:
    file.write_text(json.dumps(document, indent=2) + "\n")
    return file


def size(file: Path) -> str:
    return f"{file.stat().st_size / 1e6:.1f} MB"


if __name__ == "__main__":
    sys.exit(main())
