//! How long a drill may stay, and what a sweep finds it by.

use super::*;
use crate::store::sweep::Marker;

const EIGHT_HOURS: SignedDuration = SignedDuration::from_hours(8);

#[test]
fn a_drill_is_marked_for_a_sweep_until_nothing_of_it_is_left() {
    let (hub, memory) = stage();
    let owner = process(&hub, &memory, "o-1");
    let wanted = Begin {
        max_lifetime: Some(EIGHT_HOURS),
        ..begin("x-1", json!({}))
    };
    let state = wait(&hub, async move {
        let state = owner.begin_execution(&wanted).await.unwrap();
        let cancel = Event::CancelRequested {
            reason: "enough".to_owned(),
        };
        let id = &state.started.execution_id;
        let by = Author::Operator("arn".to_owned());
        owner.request(id, by, cancel, &Unwatched).await.unwrap();
        state
    });
    let ends = state.lifetime_ends().unwrap();
    let at = after(began_at(), EIGHT_HOURS);
    assert_eq!(ends.as_second(), at.as_second());
    let executions = Executions::new(memory.clone());
    let found = |world| crate::testing::at_once(executions.to_be_swept(world)).unwrap();
    let marker = Marker {
        execution_id: ExecutionId::new("x-1"),
        plan_id: PlanId::new("p-1"),
        at,
    };
    assert_eq!(found(began_at()), []);
    assert_eq!(found(ends), [marker]);
    let owner = process(&hub, &memory, "o-1");
    wait(&hub, async move {
        owner
            .drive(&ExecutionId::new("x-1"), &Unwatched)
            .await
            .unwrap();
    });
    assert_eq!(found(Timestamp::MAX), [], "nothing was launched");
}

#[test]
fn a_recovery_and_a_strange_lifetime_are_refused_before_anything_is_looked_at() {
    let (hub, memory) = stage();
    let before = memory.all();
    let lifetime = |mode, seconds| Begin {
        mode,
        max_lifetime: Some(SignedDuration::from_secs(seconds)),
        ..begin("x-1", json!({}))
    };
    let wanted = [
        lifetime(Mode::Recovery, 28_800),
        lifetime(Mode::Drill, 59),
        lifetime(Mode::Drill, 31 * 24 * 3_600),
    ];
    let told = wanted.map(|wanted| {
        let process = process(&hub, &memory, "o-1");
        let refused = wait(&hub, async move {
            process.begin_execution(&wanted).await.unwrap_err()
        });
        refused.to_string()
    });
    insta::assert_snapshot!(told.join("\n"));
    assert_eq!(memory.all(), before);
}
