//! Post-incident reviews.

use super::call::Permit;
use super::input::{Count, Id, Incident, OverallRating, Review, ReviewStatus, Timestamp, User, Word, inputs};
use super::update::update;
use super::{Action, Effect, Result};
use records::catalogue::{REVIEWS, Table};
use schemars::JsonSchema;
use serde::Serialize;

inputs! {
    /// Submit a review of a closed incident.
    pub struct SubmitPostIncidentReview {
        /// A closed incident
        incident_id: Id<Incident>,
        /// Who leads the review
        facilitator_user: Id<User>,
        /// Day or time of the review
        scheduled_date: Timestamp,
        /// Rating of the response
        overall_rating: Option<Word<OverallRating>>,
        status: Word<ReviewStatus>,
    }
}

/// What submitting a review answers.
#[derive(Serialize, JsonSchema)]
pub struct Submitted {
    review_id: String,
    status: String,
    scheduled_date: String,
}

impl Action for SubmitPostIncidentReview {
    const NAME: &'static str = "submit_post_incident_review";
    const RECORD: &'static Table = &REVIEWS;
    const EFFECT: Effect = Effect::Create;
    // The procedure names the facilitator only; somebody else may submit for them (ruling X23).
    const ACTOR_FALLBACK: Option<&'static str> = Some("facilitator_user");
    type Answer = Submitted;

    fn run(self, permit: &Permit<'_>) -> Result<Submitted> {
        let status = self.status.as_str().to_owned();
        let scheduled_date = self.scheduled_date.as_str().to_owned();
        let review = permit.insert(
            &REVIEWS,
            vec![
                ("incident_id", self.incident_id.into()),
                ("facilitator_user", self.facilitator_user.into()),
                ("scheduled_date", self.scheduled_date.into()),
                ("overall_rating", self.overall_rating.into()),
                ("status", self.status.into()),
                ("created_at", permit.now().into()),
            ],
        )?;
        Ok(Submitted { review_id: review.key().to_string(), status, scheduled_date })
    }
}

update! {
    /// Change a review.
    pub struct UpdatePostIncidentReview = "update_post_incident_review" {
        review_id: Id<Review>,
        change_set: ReviewChanges,
    }
    /// The columns of a review that can change.
    pub struct ReviewChanges {
        incident_id: Id<Incident>,
        facilitator_user: Id<User>,
        scheduled_date: Timestamp,
        timeline_accuracy_rating: Count,
        communication_effectiveness_rating: Count,
        technical_response_rating: Count,
        status: Word<ReviewStatus>,
    }
    /// The review as it is now.
    review
}
