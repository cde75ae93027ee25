-- Lexemes are the index's own: nothing that is stored of a page depends on the analyser any more, so
-- no page has to be processed again when its version rises. One value meant something else: the
-- links of a restored page were not known, and its body has to be read for them.
alter table page_state add links_unread boolean not null default false;
update page_state set links_unread = true where settled_analyser = 0;
alter table page_state drop settled_analyser;
alter table prepared drop analyser;
