//! An action that ends in every way.

use serde::Deserialize;

use crate::{
    Action, Attr, Attribute, Context, Diagnostic, Diagnostics, Progress, Schema, async_trait,
    schema::validator,
};

/// Rings a bell.
pub(in crate::testing) struct Ring;

#[derive(Deserialize)]
pub(in crate::testing) struct RingModel {
    times: Attr<i64>,
    how: Attr<String>,
    secret: Attr<String>,
}

#[async_trait]
impl Action for Ring {
    type Model = RingModel;
    type Client = String;

    fn type_name(&self) -> &'static str {
        "demo_ring"
    }

    fn schema(&self) -> Schema {
        let times = Attribute::number().required();
        Schema::new("Rings.")
            .attribute("times", times.validate(validator::integer(0, 1000)))
            .attribute("how", Attribute::string().optional())
            .attribute("secret", Attribute::string().optional().write_only())
    }

    async fn validate(&self, config: RingModel) -> Diagnostics {
        let mut found = Diagnostics::new();
        if config.times == 13.into() {
            found.warning_at("times", "Unlucky", "Another number is better.");
        }
        found
    }

    async fn plan(&self, _: &Context<String>, config: RingModel) -> Diagnostics {
        match config.how.known().map(String::as_str) {
            Some("never") => Diagnostic::error("Refused", "It would not ring.").into(),
            _ => Diagnostics::new(),
        }
    }

    async fn invoke(
        &self,
        cx: &Context<String>,
        config: RingModel,
        progress: &Progress,
    ) -> Diagnostics {
        for number in 1..=config.times.into_known().unwrap_or(1) {
            progress.report(format!("ring {number}"));
        }
        match config.how.known().map(String::as_str) {
            Some("panics") => panic!("the bell broke"),
            Some("waits") => {
                cx.stopped().await;
                Diagnostic::error("Stopped", "It rang less than it should.").into()
            }
            Some("quietly") => Diagnostic::warning("Quiet", "Nobody heard it.").into(),
            _ => {
                assert!(config.secret.is_null() || config.secret == "s".into());
                Diagnostics::new()
            }
        }
    }
}
