//! `drs_state_machine_definition`: the state machine that drives executions, for a function.

use drs_engine::asl;
use serde::{Deserialize, Serialize};
use tfplugin::schema::validator;
use tfplugin::{
    Attr, Attribute, Context, DataSource, Diagnostics, Outcome, Schema, Value, async_trait,
};

use crate::client::Client;

/// The data source.
pub(crate) struct StateMachineDefinition;

/// What is asked for, and what is found.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
pub(crate) struct Model {
    function_arn: Attr<String>,
    json: Attr<String>,
}

#[async_trait]
impl DataSource for StateMachineDefinition {
    type Model = Model;
    type Client = Client;

    fn type_name(&self) -> &'static str {
        "drs_state_machine_definition"
    }

    fn schema(&self) -> Schema {
        Schema::new(
            "The definition of the state machine that drives executions with the runner `step_functions`, in the Amazon States \
             Language. It is the same for every plan: it asks a function for a turn, waits, and asks again. Nothing is read from \
             AWS.",
        )
        .attribute(
            "function_arn",
            Attribute::string()
                .required()
                .validate(validator::check(
                    "must be the ARN of a function, such as arn:aws:lambda:us-east-1:111122223333:function:drs",
                    |value: &Value| {
                        value.as_str().is_some_and(|arn| asl::function_problem(arn).is_none())
                    },
                ))
                .describe("ARN of the function of AWS Lambda that makes the turns; it may name a version or an alias."),
        )
        .attribute(
            "json",
            Attribute::string()
                .computed()
                .describe("The definition, for the `definition` of a standard `aws_sfn_state_machine`."),
        )
    }

    async fn read(
        &self,
        _: &Context<Client>,
        config: Model,
    ) -> Result<Outcome<Model>, Diagnostics> {
        let function = config.function_arn.require("function_arn")?;
        let json = asl::definition(function).to_string();
        Ok(Outcome::state(Model {
            json: json.into(),
            function_arn: config.function_arn.clone(),
        }))
    }
}
