//! `drsctl tables`: makes or checks the three tables of an environment.

use serde_json::json;

use crate::cli::{Place, TablesAction};
use crate::connect;
use crate::failure::{Ending, Failure};
use crate::screen::Screen;

pub(crate) async fn tables(
    place: &Place,
    action: &TablesAction,
    screen: &mut Screen,
) -> Result<Ending, Failure> {
    let (create, asked) = match action {
        TablesAction::Create(asked) => (true, asked),
        TablesAction::Check(asked) => (false, asked),
    };
    let mut settings = connect::settings(place)?;
    settings.create_tables = create;
    let connection = connect::connect(settings).await?;
    let ensured = connection.session.ensure_tables().await;
    ensured.map_err(|error| {
        let failure = Failure::new(error.to_string());
        if create {
            failure
        } else {
            failure.safe("Nothing was changed.")
        }
    })?;
    if asked.output.is_json() {
        let place = &connection.place;
        let told = json!({
            "environment": place.environment,
            "target": place.target,
            "simulator": place.simulator,
            "fit": true,
        });
        screen.print_raw(&format!("{told}\n"))?;
        return Ok(Ending::Success);
    }
    screen.print(&format!(
        "The tables of {} are there and fit.",
        connection.place.describe()
    ))?;
    Ok(Ending::Success)
}
