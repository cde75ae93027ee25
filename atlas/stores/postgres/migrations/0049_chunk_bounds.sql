-- Where the chunks of a text stand, by which searches name them: [version, [digest, begin, own, end,
-- section], ...]. None of texts that were prepared before, and of very long ones: those are cut when
-- they are shown.
alter table documents add chunk_bounds jsonb;
