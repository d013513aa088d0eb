"""Signatures of releases, which need gpg: run by `make check-signing`, not by `make test`."""

import os
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from .host import Workspace
from .test_package import PROVIDER, files, package, run, stand_ins, version  # noqa: F401

pytestmark = pytest.mark.parametrize("host", ["path"], indirect=True)


@pytest.fixture
def keys(workspace: Workspace) -> Iterator[dict[str, str]]:
    """The environment of a key ring of its own; its agent is ended with it."""
    home = workspace.folder / "keys"
    home.mkdir(mode=0o700)
    yield {"GNUPGHOME": str(home)}
    run("gpgconf", "--kill", "all", env=os.environ | {"GNUPGHOME": str(home)})


def new_key(keys: dict[str, str], algorithm: str) -> str:
    """Makes a key; its fingerprint."""
    env = os.environ | keys
    gpg = ("gpg", "--batch", "--pinentry-mode", "loopback", "--passphrase", "")
    run(*gpg, "--quick-generate-key", algorithm, algorithm, "sign", "never", env=env)
    listed = run("gpg", "--batch", "--with-colons", "--list-secret-keys", algorithm, env=env).stdout
    return re.search(r"^fpr:+([0-9A-F]{40}):", listed, re.MULTILINE)[1]


def test_the_sums_are_signed_by_the_key_that_is_named(
    workspace: Workspace, stand_ins: Path, version: str, keys: dict[str, str]
) -> None:
    out = workspace.folder / "dist"
    sums = out / f"{PROVIDER}_{version}_SHA256SUMS"
    signature = sums.with_name(f"{sums.name}.sig")
    fingerprint = new_key(keys, "rsa2048")
    # A person's own settings may ask for text.
    (Path(keys["GNUPGHOME"]) / "gpg.conf").write_text("armor\n")

    signed = package(stand_ins, out, "--version", version, env=keys | {"GPG_FINGERPRINT": fingerprint})
    assert "NOT SIGNED" not in signed.stderr and str(signature) in signed.stdout
    checked = run("gpg", "--batch", "--status-fd", "1", "--verify", signature, sums, env=os.environ | keys)
    assert f"VALIDSIG {fingerprint}" in checked.stdout
    # The first bit of a binary packet is set; text begins with hyphens.
    assert signature.read_bytes()[0] & 0x80
    assert signature.name not in sums.read_text()

    unsigned = package(stand_ins, out, "--version", version)
    assert "NOT SIGNED: GPG_FINGERPRINT is not set" in unsigned.stderr
    assert not signature.exists(), "a signature of other sums is left"


def test_a_key_that_the_registry_does_not_take_is_refused(
    workspace: Workspace, stand_ins: Path, version: str, keys: dict[str, str]
) -> None:
    out = workspace.folder / "dist"
    fingerprint = new_key(keys, "ed25519")
    refused = package(stand_ins, out, "--version", version, env=keys | {"GPG_FINGERPRINT": fingerprint}, expect=1)
    assert "the registry takes RSA and DSA only" in refused.stderr
    assert not [name for name in files(out) if name.endswith(".sig")]
