//! What a state machine that drives an execution keeps beside its history: who makes the turn that is going on, and the
//! token by which the machine is woken from a pause.
//!
//! Neither is history. A lost lease of a turn only makes the next turn wait; a lost token only makes a pause end later.
//!
//! All turns of a machine are made by one owner, so ownership alone does not keep two of them apart: Lambda may be asked
//! again for a turn whose answer was lost while the first still works. The lease does. It is held until the function's
//! deadline, when Lambda ends the process, or until it is given back.

use std::fmt;

use jiff::Timestamp;

use crate::ids::{ExecutionId, OwnerId};
use crate::limits;
use crate::ports::{CallError, Kind};
use crate::time::after;

use super::codec::{Decoder, Encoder, ReadError};
use super::executions::{Executions, HistoryError};
use super::items::{Condition, Item, Items, Value, Write, WriteError};
use super::keys;

/// The turn that is going on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TurnLease {
    /// The owner that it is made for.
    pub owner: OwnerId,
    /// The one call of the function that makes it; every call has another.
    pub invocation: String,
    /// When, in wall time, Lambda ends the call.
    pub until: Timestamp,
}

/// By what a machine is woken from a pause. Whoever has it can wake the machine, so it is not shown.
#[derive(Clone, PartialEq, Eq)]
pub struct Token {
    /// The owner that waits.
    pub owner: OwnerId,
    /// The ARN of its state machine.
    pub state_machine: String,
    /// The token of Step Functions.
    pub token: String,
}

/// Whether a turn may be made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Admission {
    /// It may: no other call makes one.
    Admitted,
    /// Another call makes one, until this instant of wall time at the latest.
    Busy(Timestamp),
}

impl TurnLease {
    fn encode(&self, id: &ExecutionId) -> Item {
        Encoder::new(keys::turn(id))
            .text("Owner", self.owner.as_str())
            .text("Invocation", &self.invocation)
            .number("UntilMillis", self.until.as_millisecond())
            .done()
    }

    fn decode(item: &Item) -> Result<Self, ReadError> {
        let decoder = Decoder::new(item)?;
        let until = Timestamp::from_millisecond(decoder.number("UntilMillis")?)
            .map_err(|_| decoder.foreign("UntilMillis"))?;
        Ok(Self {
            owner: OwnerId::new(decoder.text("Owner")?),
            invocation: decoder.text("Invocation")?,
            until,
        })
    }

    /// That the item is still this lease.
    fn is_this(&self) -> Condition {
        Condition::Equals(vec![
            ("Invocation", Value::Text(self.invocation.clone())),
            ("UntilMillis", Value::Number(self.until.as_millisecond())),
        ])
    }

    /// Whether it stands in the way of another call.
    fn bars(&self, other: &Self, wall: Timestamp) -> bool {
        self.invocation != other.invocation && self.owner == other.owner && self.over() > wall
    }

    /// When it is over, for every clock.
    fn over(&self) -> Timestamp {
        after(self.until, limits::CLOCK_SKEW)
    }
}

impl Token {
    fn encode(&self, id: &ExecutionId) -> Item {
        Encoder::new(keys::token(id))
            .text("Owner", self.owner.as_str())
            .text("StateMachine", &self.state_machine)
            .text("Token", &self.token)
            .done()
    }

    fn decode(item: &Item) -> Result<Self, ReadError> {
        let decoder = Decoder::new(item)?;
        Ok(Self {
            owner: OwnerId::new(decoder.text("Owner")?),
            state_machine: decoder.text("StateMachine")?,
            token: decoder.text("Token")?,
        })
    }
}

impl<I: Items> Executions<I> {
    /// Takes the turn for one call of the function. A turn of another owner stands in nobody's way: that owner has lost
    /// the execution, and its call finds that out before it writes anything.
    ///
    /// # Errors
    ///
    /// When the store cannot be read or written.
    pub async fn take_turn(
        &self,
        id: &ExecutionId,
        lease: &TurnLease,
        wall: Timestamp,
    ) -> Result<Admission, HistoryError> {
        let mut trouble = None;
        for _ in 0..limits::APPEND_ATTEMPTS {
            let held = match self.items.get(&keys::turn(id)).await {
                Ok(item) => item.as_ref().map(TurnLease::decode).transpose()?,
                Err(error) if error.is_retryable() => {
                    trouble = Some(error);
                    continue;
                }
                Err(error) => return Err(unreadable(error)),
            };
            if held.as_ref() == Some(lease) {
                return Ok(Admission::Admitted);
            }
            if let Some(held) = held.as_ref().filter(|held| held.bars(lease, wall)) {
                return Ok(Admission::Busy(held.over()));
            }
            let condition = held.map_or(Condition::Absent, |held| held.is_this());
            let item = lease.encode(id);
            match self
                .items
                .transact(vec![Write::Put { item, condition }])
                .await
            {
                Ok(()) => return Ok(Admission::Admitted),
                Err(WriteError::Conflict(_)) => {}
                Err(WriteError::Call(error)) if error.kind == Kind::Refused => {
                    return Err(unreadable(error));
                }
                // Whether it was made shows at the next look.
                Err(WriteError::Call(error)) => trouble = Some(error),
            }
        }
        Err(trouble.map_or_else(contended, unreadable))
    }

    /// Gives a turn back, so that the next need not wait for the deadline of the call.
    ///
    /// # Errors
    ///
    /// When the store refuses; a lost word only makes the next turn wait.
    pub async fn give_turn_back(
        &self,
        id: &ExecutionId,
        lease: &TurnLease,
    ) -> Result<(), HistoryError> {
        let key = keys::turn(id);
        let condition = lease.is_this();
        self.remove(Write::Delete { key, condition }).await
    }

    /// Keeps the token by which a machine is woken, in place of an older one.
    ///
    /// # Errors
    ///
    /// When it is not known to be kept.
    pub async fn keep_token(&self, id: &ExecutionId, token: &Token) -> Result<(), HistoryError> {
        let mut trouble = None;
        for _ in 0..limits::APPEND_ATTEMPTS {
            let put = Write::Put {
                item: token.encode(id),
                condition: Condition::Always,
            };
            match self.items.transact(vec![put]).await {
                Ok(()) => return Ok(()),
                Err(WriteError::Conflict(_)) => {}
                Err(WriteError::Call(error)) if error.kind == Kind::Refused => {
                    return Err(unreadable(error));
                }
                Err(WriteError::Call(error)) => trouble = Some(error),
            }
        }
        Err(trouble.map_or_else(contended, unreadable))
    }

    /// The token by which the machine that drives an execution is woken; none while none waits for one.
    ///
    /// # Errors
    ///
    /// When the store cannot be read.
    pub async fn token(&self, id: &ExecutionId) -> Result<Option<Token>, ReadError> {
        let item = self.items.get(&keys::token(id)).await?;
        item.as_ref().map(Token::decode).transpose()
    }

    /// Forgets a token that was used or is good for nothing any more; a newer one stays.
    ///
    /// # Errors
    ///
    /// When the store refuses; a token that stays does no harm.
    pub async fn forget_token(&self, id: &ExecutionId, token: &Token) -> Result<(), HistoryError> {
        let key = keys::token(id);
        let is_this = vec![("Token", Value::Text(token.token.clone()))];
        let condition = Condition::Equals(is_this);
        self.remove(Write::Delete { key, condition }).await
    }

    async fn remove(&self, write: Write) -> Result<(), HistoryError> {
        match self.items.transact(vec![write]).await {
            Err(WriteError::Call(error)) if error.kind == Kind::Refused => Err(unreadable(error)),
            _ => Ok(()),
        }
    }
}

fn unreadable(error: CallError) -> HistoryError {
    ReadError::Call(error).into()
}

fn contended() -> HistoryError {
    unreadable(CallError {
        kind: Kind::Busy,
        call: "dynamodb:TransactWriteItems",
        code: "Contended".to_owned(),
        message: "others kept taking the turn".to_owned(),
        retry_after: None,
    })
}

/// Shows that there is one, and no more.
impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Token")
            .field("owner", &self.owner)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use jiff::SignedDuration;

    use super::*;
    use crate::store::memory::MemoryItems;
    use crate::testing::{at_once, start};

    fn lease(owner: &str, invocation: &str, seconds: i64) -> TurnLease {
        TurnLease {
            owner: OwnerId::new(owner),
            invocation: invocation.to_owned(),
            until: after(start(), SignedDuration::from_secs(seconds)),
        }
    }

    #[test]
    fn one_call_makes_a_turn_at_a_time() {
        let executions = Executions::new(MemoryItems::default());
        let id = ExecutionId::new("x-1");
        let take = |lease: &TurnLease, seconds: i64| {
            let wall = after(start(), SignedDuration::from_secs(seconds));
            at_once(executions.take_turn(&id, lease, wall)).expect("the store works")
        };
        let first = lease("m", "a", 900);
        let second = lease("m", "b", 1_000);
        assert_eq!(take(&first, 0), Admission::Admitted);
        assert_eq!(take(&first, 1), Admission::Admitted, "the same call again");
        assert_eq!(take(&second, 959), Admission::Busy(first.over()));
        assert_eq!(
            take(&second, 960),
            Admission::Admitted,
            "Lambda has ended it"
        );
        at_once(executions.give_turn_back(&id, &first)).expect("the store works");
        assert_eq!(
            take(&lease("m", "c", 1_900), 970),
            Admission::Busy(second.over()),
            "a late word does not give back the turn of another"
        );
        assert_eq!(
            take(&lease("n", "d", 1_900), 970),
            Admission::Admitted,
            "another owner does not wait for one that has lost the execution"
        );
        at_once(executions.give_turn_back(&id, &lease("n", "d", 1_900))).expect("the store works");
        assert_eq!(take(&lease("m", "e", 2_000), 971), Admission::Admitted);
    }

    #[test]
    fn a_token_is_kept_until_it_is_forgotten_and_never_shown() {
        let executions = Executions::new(MemoryItems::default());
        let id = ExecutionId::new("x-1");
        let token = |text: &str| Token {
            owner: OwnerId::new("m"),
            state_machine: "arn".to_owned(),
            token: text.to_owned(),
        };
        assert_eq!(at_once(executions.token(&id)), Ok(None));
        at_once(executions.keep_token(&id, &token("old"))).expect("the store works");
        at_once(executions.keep_token(&id, &token("new"))).expect("the store works");
        at_once(executions.forget_token(&id, &token("old"))).expect("the store works");
        assert_eq!(at_once(executions.token(&id)), Ok(Some(token("new"))));
        assert!(!format!("{:?}", token("secret")).contains("secret"));
        at_once(executions.forget_token(&id, &token("new"))).expect("the store works");
        assert_eq!(at_once(executions.token(&id)), Ok(None));
    }
}
