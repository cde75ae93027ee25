-- Analyser 2 indexes the words of which Snowball left nothing. An index that holds nothing yet was
-- built by no older one: nobody need rebuild it.
update generations set analyser = 2 where state = 'active' and entries = 0;

-- null says that a language could not be told; an empty name said the same until now.
update documents set lang = null where lang = '';

-- What of the body the text lacks, in words: of a PDF, the pages beyond the limit. null: nothing.
alter table documents add column truncated text;
