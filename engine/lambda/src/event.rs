//! What may be asked of the function, and by whom. What does not fit exactly is refused before anything is looked at.
//!
//! IAM says who may invoke the function; this is the second lock, for a role that may invoke more than it should, and for
//! events that somebody sends by hand.

use drs_engine::asl::{Ask, Asked};
use serde_json::Value;

use crate::configuration::{Configuration, Role};
use crate::trouble::Trouble;

/// Something that the function does.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Accepted {
    /// A state machine asks.
    Ask(Ask),
    /// The schedule says that it is time to sweep.
    Sweep,
}

/// Takes an event that comes from where it must, and refuses every other.
pub(crate) fn accept(event: &Value, configuration: &Configuration) -> Result<Accepted, Trouble> {
    match &configuration.role {
        Role::Runner { state_machines } => ask(event, state_machines).map(Accepted::Ask),
        Role::Sweeper { rule, .. } => scheduled(event, rule).map(|()| Accepted::Sweep),
    }
}

fn ask(event: &Value, state_machines: &[String]) -> Result<Ask, Trouble> {
    let ask: Ask = serde_json::from_value(event.clone()).map_err(|error| {
        Trouble::refused(
            "event",
            format!("it is not what a state machine of drsctl asks: {error}"),
        )
    })?;
    let Asked {
        execution_id,
        run,
        state_machine,
    } = asked(&ask);
    if !state_machines.contains(state_machine) {
        return Err(Trouble::refused(
            "source",
            format!(
                "{state_machine} may not ask this function; DRS_STATE_MACHINES names those that may"
            ),
        ));
    }
    // Whoever names another run's owner would drive in its place.
    if !run.starts_with(&format!("{execution_id}-")) {
        return Err(Trouble::refused(
            "source",
            format!("the run {run} is not one for execution {execution_id}"),
        ));
    }
    Ok(ask)
}

/// Who asks, whatever is asked.
pub(crate) fn asked(ask: &Ask) -> &Asked {
    match ask {
        Ask::Turn(asked) | Ask::Pause { asked, .. } => asked,
    }
}

/// What EventBridge sends when a scheduled rule is due, and from this rule of this account only.
fn scheduled(event: &Value, rule: &str) -> Result<(), Trouble> {
    let account = rule.split(':').nth(4).unwrap_or_default();
    let is = |name: &str, wanted: &str| {
        let found = event.get(name).and_then(Value::as_str).unwrap_or_default();
        if found == wanted {
            return Ok(());
        }
        let why = format!("{name} is {found:?}, and must be {wanted:?}");
        Err(Trouble::refused("source", why))
    };
    is("source", "aws.events")?;
    is("detail-type", "Scheduled Event")?;
    is("account", account)?;
    let resources = event.get("resources").and_then(Value::as_array);
    let is_the_rule = resources.is_some_and(|resources| {
        resources.len() == 1
            && resources
                .iter()
                .all(|resource| resource.as_str() == Some(rule))
    });
    if is_the_rule {
        return Ok(());
    }
    let why = format!("resources must name the rule {rule}, and nothing else");
    Err(Trouble::refused("source", why))
}

#[cfg(test)]
mod tests {
    use drs_engine::ids::ExecutionId;
    use serde_json::json;

    use super::*;
    use crate::configuration::tests::{MACHINE, RULE, runner, sweeper};

    fn turn() -> Value {
        json!({"ask": "turn", "execution_id": "x-1", "run": "x-1-abc", "state_machine": MACHINE})
    }

    fn due() -> Value {
        json!({
            "version": "0", "id": "1", "detail-type": "Scheduled Event", "source": "aws.events",
            "account": "111122223333", "time": "2026-03-01T10:00:00Z", "region": "us-east-1",
            "resources": [RULE], "detail": {},
        })
    }

    fn with(mut event: Value, name: &str, value: Value) -> Value {
        event[name] = value;
        event
    }

    fn refusal(event: &Value, configuration: &Configuration) -> String {
        match accept(event, configuration) {
            Err(Trouble::Refused { what, why }) => format!("{what}: {why}"),
            other => panic!("{event} is not refused: {other:?}"),
        }
    }

    #[test]
    fn a_machine_asks_and_a_rule_is_due() {
        let asked = accept(&turn(), &runner()).expect("it is taken");
        let Accepted::Ask(Ask::Turn(asked)) = asked else {
            panic!("it is a turn");
        };
        assert_eq!(asked.execution_id, ExecutionId::new("x-1"));
        assert_eq!(
            accept(&due(), &sweeper()).expect("it is taken"),
            Accepted::Sweep
        );
    }

    #[test]
    fn everything_else_is_refused_with_its_reason() {
        let other = "arn:aws:states:us-east-1:444455556666:stateMachine:drs-default-drill";
        let mut told = vec![
            refusal(&due(), &runner()),
            refusal(&json!({}), &runner()),
            refusal(&json!("turn"), &runner()),
            refusal(&with(turn(), "state_machine", json!(other)), &runner()),
            refusal(&with(turn(), "run", json!("x-2-abc")), &runner()),
            refusal(&with(turn(), "ask", json!("launch")), &runner()),
            refusal(&with(turn(), "ask", json!("pause")), &runner()),
        ];
        told.extend([
            refusal(&turn(), &sweeper()),
            refusal(&with(due(), "source", json!("my.own")), &sweeper()),
            refusal(&with(due(), "detail-type", json!("Other")), &sweeper()),
            refusal(&with(due(), "account", json!("444455556666")), &sweeper()),
            refusal(&with(due(), "resources", json!([])), &sweeper()),
            refusal(
                &with(due(), "resources", json!([RULE, "arn:other"])),
                &sweeper(),
            ),
            refusal(&with(due(), "resources", json!(["arn:other"])), &sweeper()),
        ]);
        insta::assert_snapshot!(told.join("\n"));
    }
}
