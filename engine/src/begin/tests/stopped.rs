//! Instances that are stopped: because their servers are launched so, or by themselves.

use super::*;
use crate::drive::Watch;
use crate::event::Recorded;
use crate::ports::CallError;
use crate::sim::drs::lock;
use crate::sim::world::admin::{AdminCommand, Place};
use crate::sim::world::fault::{Fault, Injected};
use crate::state::Verdict;

/// Stops every instance of one server as soon as it is known.
struct Breaker {
    hub: Hub,
    world: Arc<std::sync::Mutex<World>>,
    server: ServerId,
}

impl Watch for Breaker {
    type Critical = ();

    fn is_stopped(&self) -> bool {
        false
    }

    fn on_event(&self, _: &State, recorded: &Recorded) {
        let Event::InstancesFound { instances, .. } = &recorded.event else {
            return;
        };
        if let Some(instance) = instances.get(&self.server) {
            let stop = AdminCommand::SetStopped {
                place: place(),
                instance: instance.to_string(),
                stopped: true,
            };
            lock(&self.world).admin(self.hub.now(), stop).unwrap();
        }
    }

    fn on_trouble(&self, _: &CallError) {}

    fn on_look(&self, _: usize) {}

    async fn critical(&self) {}
}

fn place() -> Place {
    Place {
        account_id: None,
        region: crate::testing::target().region,
    }
}

/// What became of `web-1`, which is launched so that it is left stopped, and of `web-2`, which stops by itself.
fn verdicts(fault: Option<Injected>) -> [Verdict; 2] {
    let (hub, memory) = stage();
    let process = process(&hub, &memory, "o-1");
    let wanted = begin("x-1", json!({}));
    let (process, state) = wait(&hub, async move {
        let state = process.begin_execution(&wanted).await;
        (process, state.unwrap())
    });
    let named = |name: &str| {
        let mut servers = state.servers.iter();
        let found = servers.find(|(_, server)| server.hostname == name);
        found.unwrap().0.clone()
    };
    let [rests, breaks] = ["web-1", "web-2"].map(named);
    {
        let mut world = lock(&process.drs.world);
        let caller = process.drs.caller.clone();
        let input = json!({"sourceServerID": rests, "launchDisposition": "STOPPED"});
        let call = "UpdateLaunchConfiguration";
        let region = crate::testing::target().region;
        world
            .call(hub.now(), &caller, &region, call, &input)
            .unwrap();
        if let Some(fault) = fault {
            let command = AdminCommand::InjectFault(fault);
            world.admin(hub.now(), command).unwrap();
        }
    }
    let breaker = Breaker {
        hub: hub.clone(),
        world: Arc::clone(&process.drs.world),
        server: breaks.clone(),
    };
    let id = ExecutionId::new("x-1");
    let state = wait(&hub, async move {
        process.drive(&id, &breaker).await.unwrap().0
    });
    [rests, breaks].map(|id| {
        let health = state.servers[&id].health.clone();
        health.expect("it was checked").verdict
    })
}

#[test]
fn what_is_launched_stopped_is_not_checked_and_what_stops_by_itself_is_degraded() {
    let [rests, breaks] = verdicts(None);
    assert!(
        matches!(&rests, Verdict::NotChecked { reason } if reason.ends_with("is STOPPED")),
        "{rests:?}"
    );
    assert!(
        matches!(&breaks, Verdict::Degraded { reason } if reason.ends_with("is STARTED")),
        "{breaks:?}"
    );
}

#[test]
fn where_the_disposition_cannot_be_seen_that_is_said() {
    let fault = Injected {
        times: 2,
        ..Injected::next("GetLaunchConfiguration", Fault::AccessDenied)
    };
    for verdict in verdicts(Some(fault)) {
        let said = "cannot be seen: drs:GetLaunchConfiguration was refused";
        assert!(
            matches!(&verdict, Verdict::NotChecked { reason } if reason.contains(said)),
            "{verdict:?}"
        );
    }
}
