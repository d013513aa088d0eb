//! Questions that a state answers about itself.

use jiff::Timestamp;

use crate::event::{LaunchId, WaveOutcome};
use crate::frozen::FrozenServer;
use crate::ids::{InstanceId, JobId, OwnerId, ServerId, Target};
use crate::plan::{AfterFailure, after_failed_wave};
use crate::point::Point;

use super::{Launch, Phase, ServerStatus, State, Wave};

impl Wave {
    /// Whether it has finished so that what depends on it goes on.
    pub fn lets_go_on(&self) -> bool {
        match self.finished {
            Some((_, WaveOutcome::Completed | WaveOutcome::Partial | WaveOutcome::Skipped)) => true,
            // A wave with the policy `pause` is held before it finishes, until somebody has said that it goes on.
            Some((_, WaveOutcome::Failed | WaveOutcome::TimedOut)) => {
                self.is_accepted || after_failed_wave(self.frozen.policy) == AfterFailure::Continue
            }
            Some((_, WaveOutcome::NotLaunched)) | None => false,
        }
    }
}

impl State {
    /// Whether a process is the owner: the only one that may act now.
    pub fn is_owned_by(&self, process: &OwnerId) -> bool {
        #[cfg(test)]
        if crate::sabotage::is_taken_out(crate::sabotage::Check::Owner) {
            return true;
        }
        let owner = self.owner.as_ref();
        owner.is_some_and(|owner| owner.id == *process)
    }

    /// The frozen server at a position of a wave.
    pub fn frozen_server(&self, wave: usize, position: usize) -> Option<&FrozenServer> {
        self.frozen.waves.get(wave)?.get(position)
    }

    /// The frozen servers, wave by wave.
    pub fn frozen_waves(&self) -> &[Vec<FrozenServer>] {
        &self.frozen.waves
    }

    /// The number the next launch gets.
    pub fn next_launch(&self) -> LaunchId {
        LaunchId(
            self.launches
                .keys()
                .next_back()
                .map_or(1, |last| last.0.saturating_add(1)),
        )
    }

    /// Launches whose call has no outcome.
    pub fn unresolved(&self) -> impl Iterator<Item = (LaunchId, &Launch)> {
        self.open_launches()
            .filter(|(_, launch)| matches!(launch.phase, Phase::Intended | Phase::Unknown))
    }

    /// Launches whose job runs, as far as is known.
    pub fn running(&self) -> impl Iterator<Item = (LaunchId, &Launch)> {
        self.open_launches()
            .filter(|(_, launch)| matches!(launch.phase, Phase::Accepted { .. }))
    }

    /// Every job that is or was this execution's.
    pub fn own_jobs(&self) -> impl Iterator<Item = &JobId> {
        self.launches
            .values()
            .filter_map(|launch| launch.phase.job())
    }

    /// The position of a wave by its name.
    pub fn wave_named(&self, name: &str) -> Option<usize> {
        self.waves.iter().position(|wave| wave.frozen.name == name)
    }

    /// A server of a wave by its id or its host name.
    pub fn server_of(&self, wave: usize, named: &str) -> Option<&ServerId> {
        let mut servers = self
            .servers
            .iter()
            .filter(|(_, server)| server.wave == wave);
        let found = servers.find(|(id, server)| id.as_str() == named || server.hostname == named);
        found.map(|(id, _)| id)
    }

    /// The servers of a wave that have failed.
    pub fn failed_of(&self, wave: usize) -> Vec<ServerId> {
        let servers = self
            .servers
            .iter()
            .filter(|(_, server)| server.wave == wave);
        let failed = servers.filter(|(_, it)| matches!(it.status, ServerStatus::Failed { .. }));
        failed.map(|(id, _)| id.clone()).collect()
    }

    /// Every target that servers live in, once, in order.
    pub fn targets(&self) -> Vec<Target> {
        let found: std::collections::BTreeSet<&Target> =
            self.servers.values().map(|server| &server.target).collect();
        found.into_iter().cloned().collect()
    }

    /// Servers of a target that were part of a job of this execution.
    pub fn servers_with_jobs(&self, target: &Target) -> Vec<ServerId> {
        let of_target = self
            .launches
            .values()
            .filter(|launch| launch.target == *target && launch.phase.job().is_some());
        let found: std::collections::BTreeSet<&ServerId> =
            of_target.flat_map(|launch| &launch.servers).collect();
        found.into_iter().cloned().collect()
    }

    /// Recovery instances of this execution that are known in a target.
    pub fn known_instances(&self, target: &Target) -> Vec<InstanceId> {
        let of_target = self
            .servers
            .values()
            .filter(|server| server.target == *target);
        of_target
            .filter_map(|server| server.instance.clone())
            .collect()
    }

    /// Launched servers whose recovery instance is not known, in the order of their ids.
    pub fn without_instance(&self) -> impl Iterator<Item = (&ServerId, &super::Server)> {
        let nameless = self.nameless.iter();
        nameless.filter_map(|id| Some((id, self.servers.get(id)?)))
    }

    /// The servers of a launch that were launched.
    pub fn launched_by(&self, id: LaunchId) -> impl Iterator<Item = &ServerId> {
        let servers = self.launches.get(&id).map(|launch| &launch.servers);
        servers.into_iter().flatten().filter(move |server| {
            let server = self.servers.get(*server);
            server.is_some_and(|server| {
                server.launch == Some(id) && server.status == ServerStatus::Launched
            })
        })
    }

    /// The point that a server is to be launched from, where one is frozen.
    pub fn frozen_point(&self, id: &ServerId) -> Option<&Point> {
        let server = self.servers.get(id)?;
        let frozen = self.frozen_server(server.wave, server.position)?;
        frozen.snapshot.as_ref()
    }

    /// Launches that ended, when, and what their servers were launched from is not known.
    pub fn without_points(&self) -> impl Iterator<Item = (LaunchId, &Launch, Timestamp)> {
        self.points_open.iter().filter_map(|id| {
            let launch = self.launches.get(id)?;
            match &launch.phase {
                Phase::Ended { at, .. } => Some((*id, launch, at.world)),
                _ => None,
            }
        })
    }

    /// Whether a wave ended so that no further wave starts.
    pub fn has_failed_wave(&self) -> bool {
        self.waves
            .iter()
            .any(|wave| wave.finished.is_some() && !wave.lets_go_on())
    }

    /// Whether everything a wave depends on completed.
    pub fn dependencies_completed(&self, wave: &Wave) -> bool {
        let lets_go_on = |index: &usize| self.waves.get(*index).is_some_and(Wave::lets_go_on);
        wave.frozen.depends_on.iter().all(lets_go_on)
    }

    fn open_launches(&self) -> impl Iterator<Item = (LaunchId, &Launch)> {
        self.open
            .iter()
            .filter_map(|id| self.launches.get(id).map(|launch| (*id, launch)))
    }

    /// Whether the counters of the waves agree with the servers; a check for tests and debug builds.
    pub(super) fn counts_agree(&self) -> bool {
        if self.servers.len() > 200 {
            return true;
        }
        let count = |index: usize, wanted: &dyn Fn(&ServerStatus) -> bool| {
            self.servers
                .values()
                .filter(|server| server.wave == index && wanted(&server.status))
                .count()
        };
        self.waves.iter().enumerate().all(|(index, wave)| {
            count(index, &|status| *status == ServerStatus::Launching) == wave.launching
                && count(index, &|status| *status == ServerStatus::Launched) == wave.launched
                && count(index, &|status| {
                    matches!(status, ServerStatus::Failed { .. })
                }) == wave.failed
                && count(index, &|status| *status == ServerStatus::Waiting) == wave.waiting.len()
                && self
                    .checking()
                    .filter(|(_, server, _)| server.wave == index)
                    .count()
                    == wave.checking
        }) && self.servers.iter().all(|(id, server)| {
            let launched = server.status == ServerStatus::Launched;
            (launched && server.instance.is_none()) == self.nameless.contains(id)
        })
    }
}
