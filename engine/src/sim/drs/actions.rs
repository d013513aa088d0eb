//! Functions, documents and topics of the world, as an adapter has them.
//!
//! A function that was invoked is known only to whoever invoked it, as it is where a process holds a connection open
//! until the function has answered.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use jiff::Timestamp;
use serde_json::{Value, json};

use super::super::hub::Hub;
use super::{SimDrs, refused, unreadable};
use crate::ids::Target;
use crate::ports::{
    Action, ActionRequest, ActionRun, ActionStatus, Actions, CallError, Message, Topics, cut,
    filled, message_text, subject_line,
};

/// Functions that a task has invoked: when each ends, and what it then has become.
pub type Functions = Arc<Mutex<BTreeMap<String, (Timestamp, ActionStatus)>>>;

impl Actions for SimDrs {
    async fn begin(
        &self,
        target: &Target,
        request: &ActionRequest,
    ) -> Result<ActionRun, CallError> {
        match &request.action {
            Action::Lambda { function } => self.invoke(target, function, request).await,
            Action::Automation {
                document,
                version,
                parameters,
            } => {
                const CALL: &str = "ssm:StartAutomationExecution";
                let mut input = json!({
                    "DocumentName": document,
                    "Parameters": filled(parameters, &request.input),
                    "ClientToken": request.token,
                });
                add_version(&mut input, version.as_deref());
                let pages = self.look(target, CALL, input).await?;
                let id =
                    member(&pages, "/AutomationExecutionId").ok_or_else(|| unreadable(CALL))?;
                Ok(ActionRun::Automation { id })
            }
            Action::Command {
                document,
                version,
                parameters,
                instances,
            } => {
                const CALL: &str = "ssm:SendCommand";
                let mut input = json!({
                    "DocumentName": document,
                    "InstanceIds": instances,
                    "Parameters": filled(parameters, &request.input),
                });
                add_version(&mut input, version.as_deref());
                let pages = self.look(target, CALL, input).await?;
                let id = member(&pages, "/Command/CommandId").ok_or_else(|| unreadable(CALL))?;
                Ok(ActionRun::Command { id })
            }
        }
    }

    async fn look(&self, target: &Target, run: &ActionRun) -> Result<ActionStatus, CallError> {
        match run {
            ActionRun::Lambda { id } => Ok(self.invocation(id)),
            ActionRun::Automation { id } => self.automation(target, id).await,
            ActionRun::Command { id } => self.command(target, id).await,
        }
    }
}

impl Topics for SimDrs {
    async fn publish(&self, topic_arn: &str, message: &Message) -> Result<(), CallError> {
        const CALL: &str = "sns:Publish";
        if self.manners.topics_hang {
            std::future::pending::<()>().await;
        }
        let target = Target::of_arn(topic_arn).ok_or_else(|| {
            let message = format!("`{topic_arn}` is not the ARN of a topic");
            refused(CALL, "InvalidParameter", message)
        })?;
        let input = json!({
            "TopicArn": topic_arn,
            "Subject": subject_line(&message.subject),
            "Message": message_text(&message.text),
            "MessageAttributes": message.attributes,
        });
        self.look(&target, CALL, input).await?;
        Ok(())
    }

    async fn topic_is_there(&self, topic_arn: &str) -> Result<bool, CallError> {
        const CALL: &str = "sns:GetTopicAttributes";
        let target = Target::of_arn(topic_arn).ok_or_else(|| {
            let message = format!("`{topic_arn}` is not the ARN of a topic");
            refused(CALL, "InvalidParameter", message)
        })?;
        let input = json!({"TopicArn": topic_arn});
        match self.look(&target, CALL, input).await {
            Ok(_) => Ok(true),
            Err(error) if error.is_missing() => Ok(false),
            Err(error) => Err(error),
        }
    }
}

impl SimDrs {
    async fn invoke(
        &self,
        target: &Target,
        function: &str,
        request: &ActionRequest,
    ) -> Result<ActionRun, CallError> {
        const CALL: &str = "lambda:Invoke";
        let place = Target {
            region: Target::of_arn(function)
                .map_or_else(|| target.region.clone(), |own| own.region),
            ..target.clone()
        };
        let input = json!({"FunctionName": function, "Payload": request.input});
        let pages = self.look(&place, CALL, input).await?;
        let answer = pages.first().ok_or_else(|| unreadable(CALL))?;
        let ends_at = answer["EndsAt"].as_str().and_then(|at| at.parse().ok());
        let ends_at: Timestamp = ends_at.ok_or_else(|| unreadable(CALL))?;
        let is_error = answer.get("FunctionError").is_some();
        let payload = answer["Payload"].to_string();
        let becomes = ActionStatus::of_function(is_error, payload.as_bytes());
        let id = request.token.clone();
        let mut functions = self
            .functions
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        functions.insert(id.clone(), (ends_at, becomes));
        Ok(ActionRun::Lambda { id })
    }

    fn invocation(&self, id: &str) -> ActionStatus {
        let functions = self
            .functions
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        match functions.get(id) {
            None => ActionStatus::Lost,
            Some((ends_at, _)) if world_now(&self.hub) < *ends_at => ActionStatus::Running,
            Some((_, becomes)) => becomes.clone(),
        }
    }

    async fn automation(&self, target: &Target, id: &str) -> Result<ActionStatus, CallError> {
        const CALL: &str = "ssm:GetAutomationExecution";
        let input = json!({"AutomationExecutionId": id});
        let pages = self.look(target, CALL, input).await?;
        let told = |name: &str| member(&pages, &format!("/AutomationExecution/{name}"));
        let status = told("AutomationExecutionStatus").ok_or_else(|| unreadable(CALL))?;
        Ok(match status.as_str() {
            "Success" => {
                let outputs = pages
                    .first()
                    .map(|page| &page["AutomationExecution"]["Outputs"]);
                let said = outputs.filter(|outputs| **outputs != json!({}));
                ActionStatus::Succeeded {
                    output: said.map(|outputs| cut(&outputs.to_string())),
                }
            }
            "Failed" | "TimedOut" => {
                let reason = told("FailureMessage").unwrap_or_default();
                ActionStatus::Failed {
                    reason: cut(&format!("{status}: {reason}")),
                }
            }
            _ => ActionStatus::Running,
        })
    }

    async fn command(&self, target: &Target, id: &str) -> Result<ActionStatus, CallError> {
        const CALL: &str = "ssm:ListCommands";
        let input = json!({"CommandId": id});
        let pages = self.look(target, CALL, input).await?;
        let status = member(&pages, "/Commands/0/Status").ok_or_else(|| unreadable(CALL))?;
        match status.as_str() {
            "Success" => return Ok(ActionStatus::Succeeded { output: None }),
            "Failed" | "TimedOut" => {}
            _ => return Ok(ActionStatus::Running),
        }
        let input = json!({"CommandId": id, "Details": true});
        let pages = self
            .look(target, "ssm:ListCommandInvocations", input)
            .await?;
        let listed = pages
            .iter()
            .filter_map(|page| page["CommandInvocations"].as_array());
        let told = listed
            .flatten()
            .filter(|invocation| invocation["Status"] != "Success");
        let reasons: Vec<String> = told
            .map(|invocation| {
                let text = |at: &str| invocation.pointer(at).and_then(Value::as_str);
                let instance = text("/InstanceId").unwrap_or_default();
                let details = text("/StatusDetails").unwrap_or_default();
                let output = text("/CommandPlugins/0/Output").unwrap_or_default();
                format!("{instance}: {details}: {output}")
            })
            .collect();
        Ok(ActionStatus::Failed {
            reason: cut(&reasons.join("; ")),
        })
    }
}

fn world_now(hub: &Hub) -> Timestamp {
    hub.both().world
}

fn add_version(input: &mut Value, version: Option<&str>) {
    if let Some(version) = version {
        input["DocumentVersion"] = json!(version);
    }
}

/// A text of an answer.
fn member(pages: &[Value], at: &str) -> Option<String> {
    let found = pages.first()?.pointer(at)?;
    found.as_str().map(ToOwned::to_owned)
}

#[cfg(test)]
mod tests {
    use std::pin::pin;
    use std::task::{Context, Poll, Waker};

    use jiff::SignedDuration;

    use super::*;
    use crate::begin::tests::process;
    use crate::ports::Kind;
    use crate::sim::fleet::{Outcome, Step, Stub};
    use crate::sim::world::StubKind;
    use crate::sim::world::admin::{AdminCommand, Place};
    use crate::store::memory::MemoryItems;
    use crate::testing::{start, target};
    use crate::time::after;

    fn drs() -> SimDrs {
        let drs = process(&Hub::new(start(), 1), &MemoryItems::default(), "owner").drs;
        let step = Step {
            delay_seconds: Some(60.0),
            outcome: Outcome::Fail,
            ..Step::default()
        };
        let command = AdminCommand::ScriptStub {
            place: Place {
                account_id: None,
                region: "us-east-1".to_owned(),
            },
            kind: StubKind::Function,
            stub: Stub {
                name: "check".to_owned(),
                script: vec![step],
            },
        };
        let scripted = super::super::lock(&drs.world).admin(start(), command);
        scripted.expect("the script makes sense");
        drs
    }

    /// Lets a call pass its gates, one before and one after.
    fn block_on<T>(future: impl Future<Output = T>) -> T {
        let mut future = pin!(future);
        let mut polling = Context::from_waker(Waker::noop());
        for _ in 0..10 {
            if let Poll::Ready(value) = future.as_mut().poll(&mut polling) {
                return value;
            }
        }
        panic!("it waits for more than gates");
    }

    fn request(action: Action) -> ActionRequest {
        ActionRequest {
            action,
            token: "01234567-89ab-4def-8123-456789abcdef".to_owned(),
            input: json!({"wave": "web"}),
        }
    }

    #[test]
    fn a_function_is_lost_to_another_process_and_an_automation_is_not() {
        let one = drs();
        let other = SimDrs {
            functions: Functions::default(),
            ..one.clone()
        };
        let function = "check".to_owned();
        let run = block_on(one.begin(&target(), &request(Action::Lambda { function })));
        let run = run.expect("it runs");
        let look = |drs: &SimDrs, run: &ActionRun| block_on(Actions::look(drs, &target(), run));
        assert_eq!(look(&one, &run), Ok(ActionStatus::Running));
        assert_eq!(look(&other, &run), Ok(ActionStatus::Lost));
        let automation = Action::Automation {
            document: "Shop-Failover".to_owned(),
            version: None,
            parameters: [("Wave".to_owned(), vec!["{wave}".to_owned()])].into(),
        };
        let begun = block_on(other.begin(&target(), &request(automation.clone())));
        let again = block_on(one.begin(&target(), &request(automation)));
        assert_eq!(begun, again);
        one.hub
            .advance_to(after(start(), SignedDuration::from_mins(1)));
        let reason = "Error: the function failed, as its script says".to_owned();
        assert_eq!(look(&one, &run), Ok(ActionStatus::Failed { reason }));
        let output = None;
        let automation = again.expect("it runs");
        assert_eq!(
            look(&other, &automation),
            Ok(ActionStatus::Succeeded { output })
        );
    }

    #[test]
    fn what_is_missing_is_refused_and_an_unknown_instance_is_busy() {
        let drs = drs();
        let function = "chekc".to_owned();
        let missing = block_on(drs.begin(&target(), &request(Action::Lambda { function })));
        assert_eq!(missing.map_err(|error| error.kind), Err(Kind::Refused));
        let command = Action::Command {
            document: "AWS-RunShellScript".to_owned(),
            version: None,
            parameters: BTreeMap::new(),
            instances: vec![crate::ids::InstanceId::new("i-01234567890123456")],
        };
        let busy = block_on(drs.begin(&target(), &request(command)));
        assert_eq!(busy.map_err(|error| error.kind), Err(Kind::Busy));
        let message = Message {
            subject: "Drill läuft".to_owned(),
            ..Message::default()
        };
        let publish = |arn: &str| block_on(drs.publish(arn, &message));
        let own = "arn:aws:sns:us-east-1:111122223333:disaster-recovery";
        assert_eq!(publish(own), Ok(()));
        for bad in [
            "disaster-recovery",
            "arn:aws:sns:us-east-1:111122223333:other",
        ] {
            assert_eq!(publish(bad).map_err(|error| error.kind), Err(Kind::Refused));
        }
    }
}
