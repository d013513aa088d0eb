//! How failures of servers stand against the policy of their wave, and launching failed servers again.

use crate::event::{LaunchId, WaveOutcome};
use crate::ids::ServerId;
use crate::limits;

use super::check::{are_distinct, ensure};
use super::{Phase, Server, ServerStatus, State};

/// A failure after which a server was to be launched again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// The launch that failed.
    pub launch: Option<LaunchId>,
    /// Why, in DRS's words where there are any.
    pub reason: String,
}

impl Server {
    /// Whether it waits, and no later launch of it than this one has failed.
    pub fn waits_since(&self, launch: LaunchId) -> bool {
        let failed_later = |failure: &Failure| failure.launch > Some(launch);
        self.status == ServerStatus::Waiting
            && !self.failed_before.as_ref().is_some_and(failed_later)
    }

    /// Whether it is lost as things are now.
    fn has_failed(&self) -> bool {
        matches!(self.status, ServerStatus::Failed { .. })
    }

    /// Whether it is lost when nothing more is launched.
    fn would_have_failed(&self) -> bool {
        let waits_again = self.status == ServerStatus::Waiting && self.failed_before.is_some();
        waits_again || self.has_failed()
    }
}

impl State {
    /// The servers of a wave in launch order.
    pub fn servers_of(&self, wave: usize) -> impl Iterator<Item = (&ServerId, &Server)> {
        let frozen = self.frozen_waves().get(wave).into_iter().flatten();
        frozen.filter_map(|frozen| Some((&frozen.id, self.servers.get(&frozen.id)?)))
    }

    /// Whether a wave cannot succeed any more after what has failed; servers that wait for another launch count as
    /// nothing lost.
    pub fn is_lost(&self, wave: usize) -> bool {
        self.is_out_of_reach(wave, Server::has_failed)
    }

    /// How a wave ends when nothing more of it is launched, apart from limits of time: none while a server is launching.
    pub fn outcome_without_limits(&self, wave: usize) -> Option<WaveOutcome> {
        let found = self.waves.get(wave).filter(|wave| wave.launching == 0)?;
        if self.failed_hook(found).is_some() {
            return Some(WaveOutcome::Failed);
        }
        let counts_degraded = found.counts_degraded();
        if found.is_whole() && !counts_degraded {
            return Some(WaveOutcome::Completed);
        }
        let is_lost = |server: &Server| {
            server.would_have_failed() || (counts_degraded && server.is_degraded())
        };
        let failed = self
            .servers_of(wave)
            .filter(|(_, server)| server.would_have_failed())
            .count();
        let never_launched = found.launched + failed < found.frozen.servers;
        Some(if never_launched && failed == 0 {
            WaveOutcome::NotLaunched
        } else if never_launched || self.is_out_of_reach(wave, is_lost) {
            WaveOutcome::Failed
        } else {
            WaveOutcome::Partial
        })
    }

    fn is_out_of_reach(&self, wave: usize, is_lost: impl Fn(&Server) -> bool) -> bool {
        let Some(found) = self.waves.get(wave) else {
            return false;
        };
        let (mut lost, mut critical) = (0, false);
        for (_, server) in self.servers_of(wave).filter(|(_, server)| is_lost(server)) {
            lost += 1;
            critical |= server.is_critical;
        }
        let success = found.frozen.policy.success;
        success.is_out_of_reach(found.frozen.servers, lost, critical)
    }
}

/// Launches failed servers again because their wave's policy says so, which it says a number of times.
pub(super) fn retry(state: &mut State, servers: &[ServerId]) {
    put_back(state, servers);
    for id in servers {
        if let Some(server) = state.servers.get_mut(id) {
            server.retries += 1;
        }
    }
}

/// Puts failed servers back to where they wait.
pub(super) fn put_back(state: &mut State, servers: &[ServerId]) {
    for id in servers {
        let Some(server) = state.servers.get_mut(id) else {
            continue;
        };
        let ServerStatus::Failed { reason } =
            std::mem::replace(&mut server.status, ServerStatus::Waiting)
        else {
            continue;
        };
        server.failed_before = Some(Failure {
            launch: server.launch,
            reason,
        });
        server.ended_at = None;
        // Whatever the failed launch left is deleted by the next one.
        server.instance = None;
        let wave = &mut state.waves[server.wave];
        wave.failed -= 1;
        wave.waiting.insert(server.position);
    }
}

/// Whether a wave may end as completed, or as partial: with servers that failed or are degraded, none that were never
/// tried, and a policy that lets it.
pub(super) fn check_outcome(
    state: &State,
    wave: usize,
    outcome: WaveOutcome,
) -> Result<(), String> {
    let is_bound = matches!(outcome, WaveOutcome::Completed | WaveOutcome::Partial);
    let fits = !is_bound || state.outcome_without_limits(wave) == Some(outcome);
    ensure(fits, || {
        "its policy does not let these failures pass".to_owned()
    })
}

/// Behind "launch at most once": a server is launched again only after DRS has completed the job of its last launch, and
/// only as often as the policy says.
pub(super) fn check_retry(state: &State, wave: usize, servers: &[ServerId]) -> Result<(), String> {
    ensure(state.stop.is_none(), || {
        "nothing more may be launched".to_owned()
    })?;
    ensure(!servers.is_empty(), || "it names no server".to_owned())?;
    ensure(servers.len() <= limits::SERVERS_PER_EVENT, || {
        format!("it names more than {} servers", limits::SERVERS_PER_EVENT)
    })?;
    ensure(are_distinct(servers.iter()), || {
        "it names a server twice".to_owned()
    })?;
    let most = state.waves[wave].frozen.policy.retries;
    for id in servers {
        let found = state.servers.get(id).filter(|server| server.wave == wave);
        let Some(server) = found.filter(|server| server.has_failed()) else {
            return Err(format!("server {id} has not failed in this wave"));
        };
        ensure(state.has_ended_job(server), || {
            format!("the job of server {id} has not ended")
        })?;
        ensure(server.retries < most, || {
            format!("server {id} was launched again {most} times")
        })?;
    }
    Ok(())
}

impl State {
    /// Whether the job of a server's last launch runs, as far as is known.
    pub fn is_in_job(&self, server: &Server) -> bool {
        let launch = server.launch.and_then(|launch| self.launches.get(&launch));
        launch.is_some_and(|launch| matches!(launch.phase, Phase::Accepted { .. }))
    }

    /// Whether the last launch of a server cannot become a running instance any more.
    pub(super) fn is_over(&self, server: &Server) -> bool {
        let launch = server.launch.and_then(|launch| self.launches.get(&launch));
        launch.is_none_or(|launch| {
            matches!(
                launch.phase,
                Phase::Ended { .. } | Phase::Refused { .. } | Phase::NotCarriedOut
            )
        })
    }

    /// Whether DRS has completed the job of a server's last launch.
    pub fn has_ended_job(&self, server: &Server) -> bool {
        let launch = server.launch.and_then(|launch| self.launches.get(&launch));
        launch.is_some_and(|launch| matches!(launch.phase, Phase::Ended { .. }))
    }
}
