//! The judge of checks and hooks: their order against launches, and how often each was begun, as the world counts it.

use std::collections::{BTreeMap, BTreeSet};

use crate::event::{
    ActionId, ActionResult, CheckResult, Event, FrozenWave, Purpose, Recorded, ServerResult, When,
};
use crate::ids::ServerId;
use crate::limits;
use crate::sim::drs::lock;

use super::Run;
use super::judge::History;

/// Judges every history, and panics with the reason when a rule was broken.
pub(super) fn verify(run: &Run, histories: &[History]) {
    for history in histories {
        let mut course = Course::default();
        for recorded in &history.events {
            course.take(run, &history.state.started.waves, history, recorded);
        }
        for server in history.state.servers.values() {
            if let Some(health) = &server.health {
                run.hub.count(match health.verdict.as_str() {
                    "HEALTHY" => "healthy servers",
                    "DEGRADED" => "degraded servers",
                    _ => "servers not checked",
                });
            }
        }
    }
    check_calls(run);
}

/// What the events have told so far. The fold knows it, too; this does not ask it.
#[derive(Default)]
struct Course {
    stopped: bool,
    /// Launched servers that have not been through every check.
    unchecked: BTreeMap<ServerId, usize>,
    intents: BTreeMap<ActionId, (u32, usize, Purpose)>,
    ended: BTreeSet<ActionId>,
}

impl Course {
    fn take(&mut self, run: &Run, waves: &[FrozenWave], history: &History, recorded: &Recorded) {
        let seq = recorded.seq;
        match &recorded.event {
            Event::CancelRequested { .. }
            | Event::PreemptedBy { .. }
            | Event::GuardTripped { .. }
            | Event::GuardUnreadable { .. }
            | Event::ExecutionTimedOut => self.stopped = true,
            Event::ServersJudged { results, .. } => {
                for result in results {
                    let wave = history.state.servers[&result.server].wave;
                    if result.result == ServerResult::Launched && waves[wave].checks.is_some() {
                        self.unchecked.insert(result.server.clone(), wave);
                    }
                }
            }
            Event::ServersChecked {
                wave,
                check,
                results,
            } => {
                let checks = waves[*wave].checks.as_ref().expect("it has checks");
                for checked in results {
                    let is_last = checks.next(Some(*check)).is_none();
                    if checked.result != CheckResult::Passed || is_last {
                        self.unchecked.remove(&checked.server);
                    }
                }
            }
            Event::WaveReady { wave } => {
                for other in &waves[*wave].depends_on {
                    assert!(
                        !self.is_checking(*other),
                        "event {seq}: wave {wave} is ready before the servers of wave {other} were checked"
                    );
                }
            }
            Event::LaunchIntended(intent) => self.before_launch(waves, intent.wave, seq),
            Event::ActionIntended(intent) => {
                assert!(!self.stopped, "event {seq} begins something after a stop");
                if let Purpose::Hook { when, .. } = intent.purpose {
                    run.hub.count("hooks");
                    let is_early = when == When::After && self.is_checking(intent.wave);
                    assert!(!is_early, "event {seq} is before the checks have ended");
                } else {
                    run.hub.count("actions that check");
                }
                if intent.begin > 1 {
                    run.hub.count("actions begun again");
                }
                assert!(intent.begin <= limits::BEGINS_PER_ACTION, "event {seq}");
                let entry = (intent.begin, intent.wave, intent.purpose.clone());
                self.intents.insert(intent.action, entry);
            }
            Event::ActionPostponed { .. } => run.hub.count("actions postponed"),
            Event::ActionEnded { action, result } => {
                self.ended.insert(*action);
                if let ActionResult::Failed { .. } = result {
                    run.hub.count("failed actions");
                }
                if *result == ActionResult::TimedOut {
                    run.hub.count("actions out of time");
                }
            }
            _ => {}
        }
    }

    fn is_checking(&self, wave: usize) -> bool {
        self.unchecked.values().any(|of| *of == wave)
    }

    /// Nothing of a wave is launched before every hook that comes first has ended.
    fn before_launch(&self, waves: &[FrozenWave], wave: usize, seq: u64) {
        for position in 0..waves[wave].before_hooks.len() {
            let wanted = Purpose::Hook {
                when: When::Before,
                hook: position,
            };
            let found = self
                .intents
                .iter()
                .find(|(_, (_, of, purpose))| *of == wave && *purpose == wanted);
            let has_ended = found.is_some_and(|(id, _)| self.ended.contains(id));
            assert!(
                has_ended,
                "event {seq} launches before hook {position} of wave {wave} has ended"
            );
        }
    }
}

/// No function ran more often than it may have been begun, and no automation twice.
fn check_calls(run: &Run) {
    let world = lock(&run.context.world);
    let mut invoked: BTreeMap<&str, u32> = BTreeMap::new();
    let mut automations: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for call in world.stub_calls().filter(|call| call.error.is_none()) {
        if let Some(token) = call.input["Payload"]["token"].as_str() {
            *invoked.entry(token).or_default() += 1;
        }
        if let Some(token) = call.input["ClientToken"].as_str() {
            let ids = automations.entry(token).or_default();
            ids.extend(call.id.as_deref());
        }
    }
    for (token, times) in invoked {
        assert!(times <= limits::BEGINS_PER_ACTION, "{token}: {times} times");
        if times > 1 {
            run.hub.count("functions invoked again");
        }
    }
    for (token, ids) in automations {
        assert!(ids.len() <= 1, "{token} is {ids:?}");
    }
}
