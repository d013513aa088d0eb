//! Chance and identifiers, both derived from the seed and a label.
//!
//! Nothing is drawn from a running generator. What belongs to job 7 follows from the seed and the number 7, so a call
//! that is only read by one process and not by another cannot shift the numbers of what comes later.

use sha2::{Digest, Sha256};

/// A small generator of chance (splitmix64) that begins at a label.
#[derive(Clone, Debug)]
pub(super) struct Chance(u64);

impl Chance {
    /// The generator of a seed and a label.
    pub(super) fn of(seed: u64, label: &[&str]) -> Self {
        let digest = digest(seed, label);
        let mut first = [0; 8];
        first.copy_from_slice(&digest[..8]);
        Self(u64::from_be_bytes(first))
    }

    /// The next number.
    pub(super) fn next_number(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A number from `least` to `most`, both possible.
    pub(super) fn between(&mut self, least: u64, most: u64) -> u64 {
        let number = self.next_number();
        match most.saturating_sub(least).checked_add(1) {
            Some(span) => least + number % span,
            None => number,
        }
    }

    /// An identifier: a prefix and 17 hexadecimal digits, which every alphabet of DRS and EC2 allows.
    pub(super) fn id(&mut self, prefix: &str) -> String {
        let digits = format!("{:016x}{:016x}", self.next_number(), self.next_number());
        format!("{prefix}{}", &digits[..ID_DIGITS])
    }
}

/// Digits after the prefix of an identifier.
const ID_DIGITS: usize = 17;

/// The identifier that a seed and a label always give.
pub(super) fn id(seed: u64, prefix: &str, label: &[&str]) -> String {
    Chance::of(seed, label).id(prefix)
}

/// The same as a UUID of version 4.
pub(super) fn uuid(seed: u64, label: &[&str]) -> String {
    let mut chance = Chance::of(seed, label);
    let (high, low) = (chance.next_number(), chance.next_number());
    let (a, b, c) = (high >> 32, (high >> 16) & 0xffff, high & 0x0fff);
    let (d, e) = ((low >> 48) & 0x3fff | 0x8000, low & 0xffff_ffff_ffff);
    format!("{a:08x}-{b:04x}-4{c:03x}-{d:04x}-{e:012x}")
}

fn digest(seed: u64, label: &[&str]) -> [u8; 32] {
    let mut hasher = Sha256::new();
    hasher.update(seed.to_be_bytes());
    for part in label {
        hasher.update((part.len() as u64).to_be_bytes());
        hasher.update(part.as_bytes());
    }
    hasher.finalize().into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_label_gives_the_same_id_and_another_another() {
        let one = id(1, "s-", &["a", "bc"]);
        assert_eq!(one, id(1, "s-", &["a", "bc"]));
        assert_ne!(one, id(1, "s-", &["ab", "c"]));
        assert_ne!(one, id(2, "s-", &["a", "bc"]));
        assert_eq!(one.len(), 19);
    }

    #[test]
    fn between_reaches_both_ends_and_nothing_else() {
        let mut chance = Chance::of(1, &["between"]);
        let drawn: Vec<u64> = (0..200).map(|_| chance.between(3, 5)).collect();
        assert!(drawn.iter().all(|number| (3..=5).contains(number)));
        assert!([3, 4, 5].iter().all(|number| drawn.contains(number)));
        assert_eq!(chance.between(9, 9), 9);
    }
}
