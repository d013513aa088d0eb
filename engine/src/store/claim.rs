//! The claim item: a name or a server that is held by one owner.

use super::codec::{Decoder, Encoder, ReadError};
use super::items::{Condition, Item, Key, Value, Write};

/// A claim as stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Claim {
    /// What is claimed, by its key.
    pub(crate) key: Key,
    /// The id of the group, plan or execution that holds it.
    pub(crate) owner: String,
    /// The name of the holder when it took it, for messages.
    pub(crate) owner_name: String,
}

impl Claim {
    pub(crate) fn encode(&self) -> Item {
        Encoder::new(self.key.clone())
            .text("Owner", &self.owner)
            .text("OwnerName", &self.owner_name)
            .done()
    }

    pub(crate) fn decode(item: &Item) -> Result<Self, ReadError> {
        let decoder = Decoder::new(item)?;
        Ok(Self {
            key: item.key.clone(),
            owner: decoder.text("Owner")?,
            owner_name: decoder.text("OwnerName")?,
        })
    }

    /// Takes it where nobody has it.
    pub(crate) fn take(&self) -> Write {
        Write::Put {
            item: self.encode(),
            condition: Condition::Absent,
        }
    }

    /// Takes it from an owner that no longer counts.
    pub(crate) fn take_from(&self, owner: &str) -> Write {
        Write::Put {
            item: self.encode(),
            condition: held_by(owner),
        }
    }

    /// Gives it back.
    pub(crate) fn release(&self) -> Write {
        Write::Delete {
            key: self.key.clone(),
            condition: held_by(&self.owner),
        }
    }
}

pub(crate) fn held_by(owner: &str) -> Condition {
    Condition::Equals(vec![("Owner", Value::Text(owner.to_owned()))])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::keys;

    #[test]
    fn a_claim_survives_the_store() {
        let claim = Claim {
            key: keys::group_name("Shop"),
            owner: "g-1".to_owned(),
            owner_name: "Shop".to_owned(),
        };
        assert_eq!(Claim::decode(&claim.encode()).unwrap(), claim);
        assert_eq!(claim.key.partition, "claim#name#shop");
    }
}
