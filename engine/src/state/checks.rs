//! The health of launched servers, as the checks of their wave tell it.

use std::collections::BTreeSet;

use jiff::Timestamp;

use crate::event::{CheckResult, Checked, Event};
use crate::ids::ServerId;
use crate::limits;
use crate::plan::{Check, Consequence};

use super::check::{are_distinct, ensure};
use super::{Server, ServerStatus, State, Wave};

/// The health of a launched server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Health {
    /// When it was recorded, in world time.
    pub at: Timestamp,
    /// What was found.
    pub verdict: Verdict,
}

/// What the checks of a server came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It passed every one.
    Healthy,
    /// It did not pass one.
    Degraded {
        /// Why.
        reason: String,
    },
    /// One could not be made.
    NotChecked {
        /// Why.
        reason: String,
    },
}

impl Verdict {
    /// The word that the history and users see.
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::Healthy => "HEALTHY",
            Self::Degraded { .. } => "DEGRADED",
            Self::NotChecked { .. } => "NOT_CHECKED",
        }
    }

    /// Why it is not healthy.
    pub fn reason(&self) -> Option<&str> {
        match self {
            Self::Healthy => None,
            Self::Degraded { reason } | Self::NotChecked { reason } => Some(reason),
        }
    }
}

impl Server {
    /// Whether it did not pass a check.
    pub fn is_degraded(&self) -> bool {
        let health = self.health.as_ref();
        health.is_some_and(|health| matches!(health.verdict, Verdict::Degraded { .. }))
    }
}

impl Wave {
    /// Whether a degraded server counts as lost.
    pub fn counts_degraded(&self) -> bool {
        let checks = self.frozen.checks.as_ref();
        self.degraded > 0 && checks.is_some_and(|checks| checks.on_degraded == Consequence::Fail)
    }
}

impl State {
    /// The check that a launched server has to pass next; none when it has none left, or has failed one.
    pub fn next_check(&self, server: &Server) -> Option<Check> {
        let checks = self.waves.get(server.wave)?.frozen.checks.as_ref()?;
        let open = server.status == ServerStatus::Launched && server.health.is_none();
        checks.next(server.passed).filter(|_| open)
    }

    /// Launched servers that have a check to pass, in the order of their ids.
    pub fn checking(&self) -> impl Iterator<Item = (&ServerId, &Server, Check)> {
        self.checking.iter().filter_map(|id| {
            let server = self.servers.get(id)?;
            Some((id, server, self.next_check(server)?))
        })
    }
}

/// A server was launched: its checks begin.
pub(super) fn begin(state: &mut State, id: &ServerId) {
    let Some(server) = state.servers.get(id) else {
        return;
    };
    if state.next_check(server).is_some() {
        state.waves[server.wave].checking += 1;
        state.checking.insert(id.clone());
    }
}

/// The effect of what a check found.
pub(super) fn take(state: &mut State, check: Check, results: &[Checked], at: Timestamp) {
    for Checked { server: id, result } in results {
        let Some(server) = state.servers.get_mut(id) else {
            continue;
        };
        server.action = None;
        match result {
            CheckResult::Passed => server.passed = Some(check),
            CheckResult::Degraded { reason } => {
                let reason = reason.clone();
                judge(state, id, Verdict::Degraded { reason }, at);
                continue;
            }
            CheckResult::NotChecked { reason } => {
                let reason = reason.clone();
                judge(state, id, Verdict::NotChecked { reason }, at);
                continue;
            }
        }
        let passed = &state.servers[id];
        if state.next_check(passed).is_none() {
            judge(state, id, Verdict::Healthy, at);
        }
    }
}

/// Whoever has not passed every check of a wave that is finished never will.
pub(super) fn end(state: &mut State, wave: usize, at: Timestamp) {
    if state.waves[wave].checking == 0 {
        return;
    }
    let of_wave = |id: &&ServerId| {
        let server = state.servers.get(*id);
        server.is_some_and(|server| server.wave == wave)
    };
    let left: BTreeSet<ServerId> = state.checking.iter().filter(of_wave).cloned().collect();
    for id in &left {
        let reason = "nothing more was looked at once launches were stopped".to_owned();
        judge(state, id, Verdict::NotChecked { reason }, at);
    }
}

fn judge(state: &mut State, id: &ServerId, verdict: Verdict, at: Timestamp) {
    let Some(server) = state.servers.get_mut(id) else {
        return;
    };
    let wave = &mut state.waves[server.wave];
    wave.degraded += usize::from(matches!(verdict, Verdict::Degraded { .. }));
    wave.checking = wave.checking.saturating_sub(1);
    server.health = Some(Health { at, verdict });
    state.checking.remove(id);
}

/// Whether an event about checks fits; none for others.
pub(super) fn check(state: &State, event: &Event) -> Option<Result<(), String>> {
    let Event::ServersChecked {
        wave,
        check,
        results,
    } = event
    else {
        return None;
    };
    Some(check_results(state, *wave, *check, results))
}

fn check_results(
    state: &State,
    wave: usize,
    check: Check,
    results: &[Checked],
) -> Result<(), String> {
    ensure(
        (1..=limits::SERVERS_PER_JUDGEMENT).contains(&results.len()),
        || format!("it names {} servers", results.len()),
    )?;
    ensure(
        are_distinct(results.iter().map(|result| &result.server)),
        || "it names a server twice".to_owned(),
    )?;
    for Checked { server: id, .. } in results {
        let fits = state.servers.get(id).is_some_and(|server| {
            let open = server
                .action
                .is_some_and(|action| state.actions.open.contains(&action));
            server.wave == wave && !open && state.next_check(server) == Some(check)
        });
        ensure(fits, || format!("server {id} has no such check to pass"))?;
    }
    Ok(())
}
