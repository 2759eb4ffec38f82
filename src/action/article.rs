//! Knowledge base articles.

use super::call::Permit;
use super::input::{ArticleCategory, ArticleStatus, ArticleType, Id, Incident, Line, User, Word, inputs};
use super::{Action, Effect, Result};
use crate::store::catalogue::{ARTICLES, Table};
use schemars::JsonSchema;
use serde::Serialize;

inputs! {
    /// Record an article of the knowledge base.
    pub struct RecordKbArticle {
        title: Line,
        article_type: Word<ArticleType>,
        category: Word<ArticleCategory>,
        incident_id: Option<Id<Incident>>,
        /// Who reviews it
        reviewer_user: Option<Id<User>>,
        status: Word<ArticleStatus>,
    }
}

/// What recording an article answers.
#[derive(Serialize, JsonSchema)]
pub struct Recorded {
    article_id: String,
    status: String,
}

impl Action for RecordKbArticle {
    const NAME: &'static str = "record_kb_article";
    const RECORD: &'static Table = &ARTICLES;
    const EFFECT: Effect = Effect::Create;
    const ACTOR: &'static str = "created_by_user";
    type Answer = Recorded;

    fn run(self, permit: &Permit<'_>) -> Result<Recorded> {
        let now = permit.now();
        let status = self.status.as_str().to_owned();
        let article = permit.insert(
            &ARTICLES,
            vec![
                ("incident_id", self.incident_id.into()),
                ("title", self.title.into()),
                ("article_type", self.article_type.into()),
                ("category", self.category.into()),
                ("created_by_user", permit.actor()?.into()),
                ("reviewer_user", self.reviewer_user.into()),
                ("status", self.status.into()),
                ("created_at", now.into()),
                ("updated_at", now.into()),
            ],
        )?;
        Ok(Recorded { article_id: article.key().to_string(), status })
    }
}
