//! Scenarios by chance: fleets that are not all well, plans of every shape, quotas that are tight.

use jiff::SignedDuration;

use crate::event::Mode;
use crate::ids::{GroupId, ServerId};
use crate::plan::{PlanSpec, WaveSpec};
use crate::sim::drs::Manners;
use crate::sim::fleet::{
    Account, ExistingInstance, FaultPhase, Fleet, LaunchFault, Region, Server, Settings,
};
use crate::sim::hub::Random;
use crate::sim::world::Quotas;
use crate::store::group::{GroupConfig, Selection};

use super::ask::Ask;
use super::{Scenario, target};

/// The source server of a number.
pub(super) fn server_id(number: u64) -> String {
    format!("s-{number:017}")
}

/// A scenario for a seed.
pub(super) fn scenario(seed: u64) -> Scenario {
    let mut random = Random::new(seed ^ 0x5eed);
    let counts: Vec<u64> = (0..1 + random.below(4))
        .map(|_| 1 + random.below(3))
        .collect();
    let total = counts.iter().sum();
    let servers: Vec<Server> = (0..total)
        .map(|number| server(number, &mut random))
        .collect();
    let mut first = 0;
    let mut groups = Vec::new();
    for (index, count) in counts.iter().enumerate() {
        let ids = (first..first + count).map(|number| ServerId::new(server_id(number)));
        let selection = Selection::Servers(ids.collect());
        groups.push((GroupId::new(format!("g-{index}")), group(index, selection)));
        first += count;
    }
    let terminates = random.chance(600);
    let cancelled_after = random
        .chance(200)
        .then(|| i64::try_from(random.below(1_500)).unwrap_or(0));
    let asks = asks(counts.len(), &mut random);
    let stranger = random.chance(250).then(|| {
        let after = i64::try_from(random.below(1_200)).unwrap_or(0);
        (after, server_id(random.below(total)), random.chance(500))
    });
    let hidden = i64::try_from(random.below(240)).unwrap_or(0);
    let mut scenario = Scenario {
        fleet: fleet(servers, settings(&mut random)),
        plan: plan(&counts, &mut random),
        groups,
        mode: if random.chance(750) {
            Mode::Drill
        } else {
            Mode::Recovery
        },
        speed: if random.chance(200) { 20 } else { 1 },
        manners: Manners {
            jobs_hidden_for: SignedDuration::from_secs(hidden),
            refuses_tags: random.chance(250),
        },
        terminates,
        cancelled_after,
        asks,
        stranger,
        ruthless: 40,
    };
    // From chances of their own, so that everything else of a seed is as it was without policies.
    let mut random = Random::new(seed ^ 0x0fa1_1e40);
    add_policies(&mut scenario, &counts, &mut random);
    scenario
}

/// Failure policies for some waves, and more failures for them to meet.
fn add_policies(scenario: &mut Scenario, counts: &[u64], random: &mut Random) {
    let mut first = 0;
    for (wave, count) in scenario.plan.waves.iter_mut().zip(counts) {
        let number =
            |most: u64, random: &mut Random| i64::try_from(random.below(most)).unwrap_or(0);
        wave.on_failure = match random.below(6) {
            0 | 1 => Some("continue".to_owned()),
            2 => Some("pause".to_owned()),
            _ => None,
        };
        match random.below(5) {
            0 => {
                let id = server_id(first + random.below(*count));
                wave.critical_server_ids = Some(vec![ServerId::new(id)]);
            }
            1 => wave.min_success_percent = Some(1 + number(100, random)),
            _ => {}
        }
        wave.retries = random.chance(500).then(|| number(4, random));
        first += count;
    }
    let servers = scenario.fleet.accounts.iter_mut();
    let servers = servers.flat_map(|account| &mut account.regions);
    for server in servers.flat_map(|region| &mut region.servers) {
        while server.faults.len() < 3 && random.chance(150) {
            server.faults.push(LaunchFault {
                phase: FaultPhase::Capacity,
                raw_error: None,
            });
        }
    }
}

/// What operators ask for, and when.
fn asks(waves: usize, random: &mut Random) -> Vec<(i64, Ask)> {
    let count = if random.chance(400) {
        1 + random.below(3)
    } else {
        0
    };
    let one = |random: &mut Random| {
        let wave = usize::try_from(random.below(waves as u64)).unwrap_or(0);
        match random.below(6) {
            0 | 1 => Ask::Pause,
            2 => Ask::PauseBefore(wave),
            3 => Ask::Skip(wave),
            _ => Ask::Retry,
        }
    };
    (0..count)
        .map(|_| {
            let after = i64::try_from(random.below(2_000)).unwrap_or(0);
            (after, one(random))
        })
        .collect()
}

/// A fleet in one account and Region.
pub(super) fn fleet(servers: Vec<Server>, settings: Settings) -> Fleet {
    let region = Region {
        name: target().region,
        initialized: true,
        servers,
    };
    let account = Account {
        id: target().account_id,
        external_id: None,
        regions: vec![region],
    };
    Fleet {
        accounts: vec![account],
        settings,
    }
}

/// A healthy server.
pub(super) fn healthy(number: u64) -> Server {
    let mut server = Server::named(&format!("host-{number}"));
    server.id = Some(server_id(number));
    server
}

pub(super) fn group(index: usize, selection: Selection) -> GroupConfig {
    GroupConfig {
        name: format!("group {index}"),
        description: None,
        target: target(),
        selection,
        tags: std::collections::BTreeMap::new(),
    }
}

fn server(number: u64, random: &mut Random) -> Server {
    let mut server = healthy(number);
    if random.chance(100) {
        let phase = match random.below(4) {
            0 => FaultPhase::Snapshot,
            1 => FaultPhase::Conversion,
            2 => FaultPhase::Capacity,
            _ => FaultPhase::Pending,
        };
        server.faults.push(LaunchFault {
            phase,
            raw_error: None,
        });
    }
    if random.chance(30) {
        server.replication_state = "INITIAL_SYNC".to_owned();
    }
    if random.chance(150) {
        server.recovery_instance = Some(ExistingInstance {
            is_drill: true,
            termination_protected: false,
        });
    }
    server
}

fn settings(random: &mut Random) -> Settings {
    let quota = |most: u64, random: &mut Random| u32::try_from(1 + random.below(most)).unwrap_or(1);
    Settings {
        quotas: Quotas {
            jobs: quota(6, random) + 1,
            servers_per_job: quota(4, random),
            servers_in_jobs: 4 + quota(8, random),
            ..Quotas::default()
        },
        shorten: f64::from(quota(6, random)),
        recovery_instance_id_in_job: random.chance(500),
        ..Settings::default()
    }
}

fn plan(counts: &[u64], random: &mut Random) -> PlanSpec {
    let number = |most: u64, random: &mut Random| i64::try_from(random.below(most)).unwrap_or(0);
    let waves = (0..counts.len()).map(|index| WaveSpec {
        name: format!("wave {index}"),
        protection_group_ids: vec![GroupId::new(format!("g-{index}"))],
        depends_on_waves: match random.below(3) {
            0 => Some(Vec::new()),
            1 => Some(
                (0..index)
                    .filter(|_| random.chance(500))
                    .map(|other| format!("wave {other}"))
                    .collect(),
            ),
            _ => None,
        },
        launch_order: random.chance(300).then(|| "SEQUENTIAL".to_owned()),
        source_server_ids: None,
        max_in_flight: random.chance(300).then(|| 1 + number(3, random)),
        pause_before: random.chance(100).then_some(true),
        wait_time_seconds: random.chance(300).then(|| number(180, random)),
        timeout_seconds: random.chance(150).then(|| 60 + number(3_600, random)),
        ..WaveSpec::default()
    });
    PlanSpec {
        name: "shop".to_owned(),
        description: None,
        waves: waves.collect(),
        execution_timeout_seconds: random.chance(100).then(|| 60 + number(7_200, random)),
    }
}
