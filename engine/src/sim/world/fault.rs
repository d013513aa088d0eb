//! Faults that somebody injects into calls.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::World;
use crate::time::after;

/// Faults that can wait at the same time.
const FAULTS_BOUND: usize = 1_000;

/// What goes wrong with a call.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Fault {
    /// It is refused with 429.
    Throttle {
        /// The `Retry-After` header.
        #[serde(default)]
        retry_after_seconds: Option<u32>,
    },
    /// It is answered with 500 and has no effect.
    Internal {
        /// The `Retry-After` header.
        #[serde(default)]
        retry_after_seconds: Option<u32>,
    },
    /// It is answered with 500 although it has its effect.
    InternalAfter,
    /// It has its effect, and the connection is closed without an answer.
    LostAnswer,
    /// It has no effect, and the connection is closed without an answer.
    LostRequest,
    /// It is answered late.
    Latency {
        /// How late, in wall time.
        milliseconds: u64,
    },
    /// It has its effect, and the answer is held until somebody releases it.
    Hold,
    /// It is refused with 403.
    AccessDenied,
    /// For DescribeJobs: the answer lists nothing.
    Empty {
        /// For how many seconds of world time, from the first call on.
        seconds: i64,
    },
    /// It is refused with this error.
    Refuse {
        /// The code.
        code: String,
        /// The HTTP status.
        status: u16,
        /// The message.
        message: String,
    },
}

/// A fault and the calls that it is for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Injected {
    /// The operation, e.g. `StartRecovery`; `*` is every one.
    pub operation: String,
    /// The Region; every one when left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub region: Option<String>,
    /// What goes wrong.
    pub fault: Fault,
    /// For how many calls. An [`Fault::Empty`] ends by its time instead.
    #[serde(default = "once")]
    pub times: u64,
    /// How many calls go well before.
    #[serde(default)]
    pub skip: u64,
    /// When an [`Fault::Empty`] ends; set by its first call.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<Timestamp>,
}

impl Injected {
    /// A fault of one operation in every Region, for its next call.
    pub fn next(operation: &str, fault: Fault) -> Self {
        Self {
            operation: operation.to_owned(),
            region: None,
            fault,
            times: 1,
            skip: 0,
            until: None,
        }
    }

    fn is_for(&self, region: &str, operation: &str) -> bool {
        (self.operation == "*" || self.operation == operation)
            && self.region.as_deref().is_none_or(|own| own == region)
    }
}

impl World {
    /// Injects a fault; whether there was room for one more.
    pub fn inject(&mut self, fault: Injected) -> bool {
        let has_room = self.faults.len() < FAULTS_BOUND;
        if has_room && fault.times > 0 {
            self.faults.push(fault);
        }
        has_room
    }

    /// Whether [`World::take_fault`] would change the world.
    pub fn has_fault(&self, region: &str, operation: &str) -> bool {
        self.faults
            .iter()
            .any(|injected| injected.is_for(region, operation))
    }

    /// The fault that a call meets, if any, and uses up. Whoever carries calls out carries the fault out too: the world
    /// itself never loses an answer.
    pub fn take_fault(&mut self, at: Timestamp, region: &str, operation: &str) -> Option<Fault> {
        let now = self.clock.max(at);
        let position = self
            .faults
            .iter()
            .position(|injected| injected.is_for(region, operation))?;
        let injected = &mut self.faults[position];
        if injected.skip > 0 {
            injected.skip -= 1;
            return None;
        }
        if let Fault::Empty { seconds } = injected.fault {
            let wait = SignedDuration::from_secs(seconds);
            let until = *injected.until.get_or_insert_with(|| after(now, wait));
            if now < until {
                return Some(injected.fault.clone());
            }
            self.faults.remove(position);
            return None;
        }
        let fault = injected.fault.clone();
        injected.times = injected.times.saturating_sub(1);
        if injected.times == 0 {
            self.faults.remove(position);
        }
        Some(fault)
    }
}

fn once() -> u64 {
    1
}
