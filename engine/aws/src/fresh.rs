//! What this process calls itself and what it makes: identifiers that nobody has used, of 128 bits that the operating
//! system chose.

use std::collections::hash_map::RandomState;
use std::hash::BuildHasher;
use std::time::{SystemTime, UNIX_EPOCH};

use drs_engine::ids::OwnerId;
use drs_engine::store::target::ExternalId;

/// An identifier: the prefix, a hyphen, and 32 hexadecimal digits.
///
/// The keys of every [`RandomState`] are derived from random bytes of the operating system, once per thread, and differ
/// from each other. Time and process are mixed in, so that a copied virtual machine does not repeat itself.
pub fn id(prefix: &str) -> String {
    let now = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0, |elapsed| elapsed.as_nanos());
    let half = || RandomState::new().hash_one((std::process::id(), now));
    format!("{prefix}-{:016x}{:016x}", half(), half())
}

/// A new owner: this process, for as long as it drives one execution.
pub fn owner() -> OwnerId {
    OwnerId::new(id("owner"))
}

/// The external id of a new target account.
pub fn external_id() -> ExternalId {
    ExternalId::new(id("drs"))
}

/// Where this process runs, for people: the program, the machine, the process.
pub fn host(program: &str) -> String {
    let variable = |name: &str| std::env::var(name).ok().filter(|text| !text.is_empty());
    let machine = std::fs::read_to_string("/proc/sys/kernel/hostname")
        .ok()
        .map(|text| text.trim().to_owned())
        .filter(|text| !text.is_empty())
        .or_else(|| variable("HOSTNAME"))
        .or_else(|| variable("COMPUTERNAME"))
        .unwrap_or_else(|| "a machine without a name".to_owned());
    format!("{program} on {machine}, process {}", std::process::id())
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    #[test]
    fn no_two_trusts_share_an_external_id() {
        let made: BTreeSet<String> = (0..1_000)
            .map(|_| super::external_id().as_str().to_owned())
            .collect();
        assert_eq!(made.len(), 1_000);
    }

    #[test]
    fn ids_differ_also_when_made_at_once_and_on_several_threads() {
        let make = || (0..1_000).map(|_| super::id("x")).collect::<Vec<_>>();
        let threads: Vec<_> = (0..4).map(|_| std::thread::spawn(make)).collect();
        let ids: Vec<String> = threads
            .into_iter()
            .flat_map(|thread| thread.join().expect("a thread that makes ids ends well"))
            .collect();
        assert_eq!(ids.iter().collect::<BTreeSet<_>>().len(), 4_000);
        assert!(ids.iter().all(|id| id.len() == 34));
    }
}
