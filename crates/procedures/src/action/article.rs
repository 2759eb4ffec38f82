//! Knowledge base articles.

use super::call::Permit;
use super::input::{
    Article, ArticleCategory, ArticleStatus, ArticleType, Count, Id, Incident, Line, User, Word, inputs,
};
use super::update::update;
use super::{Action, Effect, Result};
use records::catalogue::{ARTICLES, Table};
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

update! {
    /// Change an article of the knowledge base.
    pub struct UpdateKbArticle = "update_kb_article" {
        article_id: Id<Article>,
        change_set: ArticleChanges,
    }
    /// The columns of an article that can change.
    pub struct ArticleChanges {
        title: Line,
        article_type: Word<ArticleType>,
        category: Word<ArticleCategory>,
        incident_id: Id<Incident>,
        created_by_user: Id<User>,
        reviewer_user: Id<User>,
        view_count: Count,
        status: Word<ArticleStatus>,
    }
    /// The article as it is now.
    article
}
