BEGIN TRANSACTION;
CREATE TABLE concept_closure (
	descendant INTEGER NOT NULL, 
	ancestor INTEGER NOT NULL, 
	distance INTEGER NOT NULL, 
	PRIMARY KEY (descendant, ancestor), 
	FOREIGN KEY(descendant) REFERENCES concepts (number), 
	FOREIGN KEY(ancestor) REFERENCES concepts (number)
)
 WITHOUT ROWID

;
INSERT INTO "concept_closure" VALUES(1,1,0);
INSERT INTO "concept_closure" VALUES(2,1,1);
INSERT INTO "concept_closure" VALUES(4,1,1);
INSERT INTO "concept_closure" VALUES(2,2,0);
INSERT INTO "concept_closure" VALUES(3,3,0);
INSERT INTO "concept_closure" VALUES(4,3,1);
INSERT INTO "concept_closure" VALUES(4,4,0);
INSERT INTO "concept_closure" VALUES(5,5,0);
INSERT INTO "concept_closure" VALUES(6,5,1);
INSERT INTO "concept_closure" VALUES(6,6,0);
CREATE TABLE concept_labels (
	number INTEGER NOT NULL, 
	concept INTEGER NOT NULL, 
	language VARCHAR NOT NULL, 
	label TEXT NOT NULL, 
	preferred INTEGER NOT NULL, 
	folded TEXT NOT NULL, 
	length INTEGER NOT NULL, 
	head TEXT NOT NULL, 
	tail TEXT NOT NULL, 
	PRIMARY KEY (number), 
	FOREIGN KEY(concept) REFERENCES concepts (number)
);
INSERT INTO "concept_labels" VALUES(1,1,'en','vessel',1,'vessel',6,'vessel','lessev');
INSERT INTO "concept_labels" VALUES(2,1,'zh-Hans','容器',1,'容器',2,'容器','器容');
INSERT INTO "concept_labels" VALUES(3,1,'en','container',0,'container',9,'container','reniatnoc');
INSERT INTO "concept_labels" VALUES(4,2,'en','tripod',1,'tripod',6,'tripod','dopirt');
INSERT INTO "concept_labels" VALUES(5,2,'zh-Hans','圆鼎',1,'圆鼎',2,'圆鼎','鼎圆');
INSERT INTO "concept_labels" VALUES(6,2,'zh-Hant','圓鼎',1,'圆鼎',2,'圆鼎','鼎圆');
INSERT INTO "concept_labels" VALUES(7,2,'zh-Latn-pinyin','yuan ding',1,'yuanding',8,'yuanding','gnidnauy');
INSERT INTO "concept_labels" VALUES(8,2,'en','round ding',0,'round ding',10,'round ding','gnid dnuor');
INSERT INTO "concept_labels" VALUES(9,2,'en','ding tripod',0,'ding tripod',11,'ding tripod','dopirt gnid');
INSERT INTO "concept_labels" VALUES(10,2,'zh-Hans','三足鼎',0,'三足鼎',3,'三足鼎','鼎足三');
INSERT INTO "concept_labels" VALUES(11,3,'en','ritual object',1,'ritual object',13,'ritual object','tcejbo lautir');
INSERT INTO "concept_labels" VALUES(12,3,'zh-Hans','礼器',1,'礼器',2,'礼器','器礼');
INSERT INTO "concept_labels" VALUES(13,4,'en','gui',1,'gui',3,'gui','iug');
INSERT INTO "concept_labels" VALUES(14,4,'zh-Hans','簋',1,'簋',1,'簋','簋');
INSERT INTO "concept_labels" VALUES(15,5,'en','theme',1,'theme',5,'theme','emeht');
INSERT INTO "concept_labels" VALUES(16,6,'en','offering of a tripod',1,'offering of a tripod',20,'offering of a tripod','dopirt a fo gnireffo');
INSERT INTO "concept_labels" VALUES(17,6,'fr','Offrande',1,'offrande',8,'offrande','ednarffo');
CREATE TABLE concepts (
	number INTEGER NOT NULL, 
	thesaurus INTEGER NOT NULL, 
	uri TEXT NOT NULL, 
	notation TEXT, 
	facet TEXT NOT NULL, 
	body TEXT NOT NULL, 
	PRIMARY KEY (number), 
	UNIQUE (thesaurus, uri), 
	FOREIGN KEY(thesaurus) REFERENCES thesauri (number)
);
INSERT INTO "concepts" VALUES(1,1,'urn:vessels:vessel',NULL,'vessel','{"pref_labels":{"en":"vessel","zh-Hans":"容器"},"alt_labels":{"en":["container"]},"facet":"vessel","scheme":"urn:vessels:scheme"}');
INSERT INTO "concepts" VALUES(2,1,'urn:vessels:tripod','V1','vessel','{"pref_labels":{"en":"tripod","zh-Hans":"圆鼎","zh-Hant":"圓鼎","zh-Latn-pinyin":"yuan ding"},"alt_labels":{"en":["round ding","ding tripod"],"zh-Hans":["三足鼎"]},"broader":["urn:vessels:vessel"],"notation":"V1","facet":"vessel","scope_notes":{"en":"A ding on three legs."},"matches":{"closeMatch":["https://other.example/tripod"]},"scheme":"urn:vessels:scheme"}');
INSERT INTO "concepts" VALUES(3,1,'urn:vessels:ritual',NULL,'ritual','{"pref_labels":{"en":"ritual object","zh-Hans":"礼器"},"facet":"ritual","scheme":"urn:vessels:scheme"}');
INSERT INTO "concepts" VALUES(4,1,'urn:vessels:gui',NULL,'vessel','{"pref_labels":{"en":"gui","zh-Hans":"簋"},"broader":["urn:vessels:vessel","urn:vessels:ritual"],"facet":"vessel","scheme":"urn:vessels:scheme"}');
INSERT INTO "concepts" VALUES(5,1,'urn:vessels:theme',NULL,'theme','{"pref_labels":{"en":"theme"},"facet":"theme","scheme":"urn:vessels:scheme"}');
INSERT INTO "concepts" VALUES(6,1,'urn:vessels:offering',NULL,'theme','{"pref_labels":{"en":"offering of a tripod","fr":"Offrande"},"broader":["urn:vessels:theme"],"facet":"theme","scheme":"urn:vessels:scheme"}');
CREATE TABLE decisions (
	number INTEGER NOT NULL, 
	record_id TEXT NOT NULL, 
	action VARCHAR NOT NULL, 
	body TEXT NOT NULL, 
	previous VARCHAR NOT NULL, 
	hash VARCHAR NOT NULL, 
	PRIMARY KEY (number)
);
INSERT INTO "decisions" VALUES(1,'bell','accept','{"at":"2026-11-27T10:00:00+00:00","concept":"urn:vessels:tripod","facet":"type","model":"","note":"","probability":0.8,"value":"urn:vessels:tripod","who":"李"}','0000000000000000000000000000000000000000000000000000000000000000','9bfbec6989eb9ab1aba8650d3387400a9093cf6e1176733c187834109898a6a4');
CREATE TABLE encoders (
	number INTEGER NOT NULL, 
	fingerprint VARCHAR NOT NULL, 
	name TEXT NOT NULL, 
	PRIMARY KEY (number), 
	UNIQUE (fingerprint)
);
INSERT INTO "encoders" VALUES(1,'ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff','toy');
CREATE TABLE images (
	number INTEGER NOT NULL, 
	item INTEGER NOT NULL, 
	record INTEGER NOT NULL, 
	ordinal INTEGER NOT NULL, 
	path TEXT NOT NULL, 
	"view" TEXT, 
	"key" INTEGER NOT NULL, 
	size BIGINT NOT NULL, 
	mtime_ns BIGINT NOT NULL, 
	PRIMARY KEY (number), 
	FOREIGN KEY(item) REFERENCES source_items (number) ON DELETE CASCADE, 
	FOREIGN KEY(record) REFERENCES records (number), 
	FOREIGN KEY("key") REFERENCES pictures ("key")
);
INSERT INTO "images" VALUES(1,1,1,0,'a/ding.jpg','front',1,10,20);
INSERT INTO "images" VALUES(2,2,2,0,'b/vase.jpg',NULL,2,10,20);
INSERT INTO "images" VALUES(3,3,3,0,'c/bell.jpg',NULL,3,10,20);
CREATE TABLE jobs (
	number INTEGER NOT NULL, 
	kind VARCHAR NOT NULL, 
	source INTEGER, 
	state VARCHAR NOT NULL, 
	started VARCHAR NOT NULL, 
	updated VARCHAR NOT NULL, 
	counts TEXT NOT NULL, 
	PRIMARY KEY (number), 
	FOREIGN KEY(source) REFERENCES sources (number)
);
INSERT INTO "jobs" VALUES(1,'ingest',1,'running','2026-11-27T11:05:39+00:00','2026-11-27T11:05:39+00:00','{}');
CREATE TABLE meta (
	name VARCHAR NOT NULL, 
	value TEXT NOT NULL, 
	PRIMARY KEY (name)
);
INSERT INTO "meta" VALUES('schema_version','3');
INSERT INTO "meta" VALUES('library_id','522fd8d32d3249048e6ac5d0deb151c9');
INSERT INTO "meta" VALUES('created','2026-11-27T11:05:39+00:00');
INSERT INTO "meta" VALUES('generation','3');
INSERT INTO "meta" VALUES('next_key','4');
INSERT INTO "meta" VALUES('encoder_fingerprint','ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff');
CREATE TABLE pictures (
	"key" INTEGER NOT NULL, 
	sha256 VARCHAR NOT NULL, 
	width INTEGER NOT NULL, 
	height INTEGER NOT NULL, 
	format VARCHAR NOT NULL, 
	frames INTEGER NOT NULL, 
	thumbnail VARCHAR NOT NULL, 
	PRIMARY KEY ("key"), 
	UNIQUE (sha256)
);
INSERT INTO "pictures" VALUES(1,'0000000000000000000000000000000000000000000000000000000000000001',320,240,'jpeg',1,'0000000000000000000000000000000000000000000000000000000000000001');
INSERT INTO "pictures" VALUES(2,'0000000000000000000000000000000000000000000000000000000000000002',320,240,'jpeg',1,'0000000000000000000000000000000000000000000000000000000000000002');
INSERT INTO "pictures" VALUES(3,'0000000000000000000000000000000000000000000000000000000000000003',320,240,'jpeg',1,'0000000000000000000000000000000000000000000000000000000000000003');
CREATE TABLE record_terms (
	term INTEGER NOT NULL, 
	record INTEGER NOT NULL, 
	PRIMARY KEY (term, record), 
	FOREIGN KEY(term) REFERENCES terms (number), 
	FOREIGN KEY(record) REFERENCES records (number)
)
 WITHOUT ROWID

;
INSERT INTO "record_terms" VALUES(1,1);
INSERT INTO "record_terms" VALUES(2,1);
INSERT INTO "record_terms" VALUES(3,1);
INSERT INTO "record_terms" VALUES(4,1);
INSERT INTO "record_terms" VALUES(5,1);
INSERT INTO "record_terms" VALUES(6,1);
INSERT INTO "record_terms" VALUES(7,1);
INSERT INTO "record_terms" VALUES(8,2);
INSERT INTO "record_terms" VALUES(9,2);
INSERT INTO "record_terms" VALUES(10,2);
INSERT INTO "record_terms" VALUES(11,2);
INSERT INTO "record_terms" VALUES(12,2);
INSERT INTO "record_terms" VALUES(13,2);
INSERT INTO "record_terms" VALUES(14,3);
INSERT INTO "record_terms" VALUES(15,3);
CREATE TABLE records (
	number INTEGER NOT NULL, 
	record_id TEXT NOT NULL, 
	title TEXT NOT NULL, 
	body TEXT NOT NULL, 
	PRIMARY KEY (number), 
	UNIQUE (record_id)
);
INSERT INTO "records" VALUES(1,'1982.30.1','饕餮纹鼎','{"culture":"Shang","descriptions":{"en":"A ritual vessel, cast in piece moulds.","zh":"商代晚期青铜礼器。"},"extra":{"accession":"1982.30.1"},"materials":["Gilt bronze"],"motifs":["taotie","雷纹"],"object_type":"ding","period":"商代晚期","rights":"Public domain","titles":{"zh":"饕餮纹鼎","en":"Tripod with taotie masks"},"phrases":[["en",0,"mask on the belly"]]}');
INSERT INTO "records" VALUES(2,'v-7','青花瓷瓶','{"culture":"Ming","licence":"CC0","materials":["porcelain","cobalt"],"object_type":"vase","period":"明代","titles":{"zh":"青花瓷瓶","en":"Blue and white vase"}}');
INSERT INTO "records" VALUES(3,'bell','Bell','{"materials":["bronzed wood"],"themes":["Music"],"titles":{"en":"Bell"}}');
CREATE TABLE regions (
	image INTEGER NOT NULL, 
	ordinal INTEGER NOT NULL, 
	x FLOAT NOT NULL, 
	y FLOAT NOT NULL, 
	w FLOAT NOT NULL, 
	h FLOAT NOT NULL, 
	label TEXT, 
	mask TEXT, 
	concept TEXT, 
	PRIMARY KEY (image, ordinal), 
	FOREIGN KEY(image) REFERENCES images (number) ON DELETE CASCADE
)
 WITHOUT ROWID

;
INSERT INTO "regions" VALUES(1,0,0.1,0.2,0.3,0.4,'taotie',NULL,'taotie');
CREATE TABLE source_items (
	number INTEGER NOT NULL, 
	source INTEGER NOT NULL, 
	item_key VARCHAR NOT NULL, 
	ordinal INTEGER NOT NULL, 
	place TEXT NOT NULL, 
	record INTEGER NOT NULL, 
	digest VARCHAR NOT NULL, 
	body TEXT NOT NULL, 
	job INTEGER NOT NULL, 
	PRIMARY KEY (number), 
	UNIQUE (source, item_key), 
	FOREIGN KEY(source) REFERENCES sources (number), 
	FOREIGN KEY(record) REFERENCES records (number), 
	FOREIGN KEY(job) REFERENCES jobs (number)
);
INSERT INTO "source_items" VALUES(1,1,'8b0ec139930912f26d8567d337cc74df',0,'line 1',1,'28f403da814c3dc2fb0178a5d918e7ba','{"culture":"Shang","descriptions":{"en":"A ritual vessel, cast in piece moulds.","zh":"商代晚期青铜礼器。"},"extra":{"accession":"1982.30.1"},"materials":["Gilt bronze"],"motifs":["taotie","雷纹"],"object_type":"ding","period":"商代晚期","rights":"Public domain","titles":{"zh":"饕餮纹鼎","en":"Tripod with taotie masks"},"phrases":[["en",0,"mask on the belly"]]}',1);
INSERT INTO "source_items" VALUES(2,1,'8e3e8c92ee35d591efb080136d5bf779',1,'line 2',2,'6d20bc07be7f7a7d3eea48c4aec205bd','{"culture":"Ming","licence":"CC0","materials":["porcelain","cobalt"],"object_type":"vase","period":"明代","titles":{"zh":"青花瓷瓶","en":"Blue and white vase"}}',1);
INSERT INTO "source_items" VALUES(3,1,'6798358f20ecae737dce4d87d55d1bd3',2,'line 3',3,'1a5a157dd9e1ef5c4402473a6bff2f5f','{"materials":["bronzed wood"],"themes":["Music"],"titles":{"en":"Bell"}}',1);
CREATE TABLE sources (
	number INTEGER NOT NULL, 
	root TEXT NOT NULL, 
	metadata TEXT NOT NULL, 
	kind VARCHAR NOT NULL, 
	PRIMARY KEY (number), 
	UNIQUE (root, metadata)
);
INSERT INTO "sources" VALUES(1,'/museum','','records');
CREATE TABLE terms (
	number INTEGER NOT NULL, 
	field VARCHAR NOT NULL, 
	folded TEXT NOT NULL, 
	PRIMARY KEY (number), 
	UNIQUE (field, folded)
);
INSERT INTO "terms" VALUES(1,'culture','shang');
INSERT INTO "terms" VALUES(2,'material','gilt bronze');
INSERT INTO "terms" VALUES(3,'motif','taotie');
INSERT INTO "terms" VALUES(4,'motif','雷纹');
INSERT INTO "terms" VALUES(5,'object_type','ding');
INSERT INTO "terms" VALUES(6,'period','商代晚期');
INSERT INTO "terms" VALUES(7,'rights','public domain');
INSERT INTO "terms" VALUES(8,'culture','ming');
INSERT INTO "terms" VALUES(9,'licence','cc0');
INSERT INTO "terms" VALUES(10,'material','porcelain');
INSERT INTO "terms" VALUES(11,'material','cobalt');
INSERT INTO "terms" VALUES(12,'object_type','vase');
INSERT INTO "terms" VALUES(13,'period','明代');
INSERT INTO "terms" VALUES(14,'material','bronzed wood');
INSERT INTO "terms" VALUES(15,'theme','music');
CREATE TABLE thesauri (
	number INTEGER NOT NULL, 
	name TEXT NOT NULL, 
	digest VARCHAR NOT NULL, 
	imported VARCHAR NOT NULL, 
	report TEXT NOT NULL, 
	PRIMARY KEY (number), 
	UNIQUE (name)
);
INSERT INTO "thesauri" VALUES(1,'urn:vessels:scheme','da313c17d996802f6153cda284e5b7239f63e9ea6dbc3272a64d071f95d5c51b','2026-11-27T11:05:39+00:00','{"concepts": 6, "labels": 17, "roots": 3, "languages": {"en": 6, "fr": 1, "zh-Hans": 4, "zh-Hant": 1, "zh-Latn-pinyin": 1}, "facets": {"vessel": 3, "ritual": 1, "theme": 2}, "without": {"zh": 2, "en": 0}, "problems": [], "counts": {}}');
CREATE TABLE vector_parts (
	number INTEGER NOT NULL, 
	encoder INTEGER NOT NULL, 
	name VARCHAR NOT NULL, 
	rows INTEGER NOT NULL, 
	dim INTEGER NOT NULL, 
	parts_per_image INTEGER NOT NULL, 
	checksum VARCHAR NOT NULL, 
	PRIMARY KEY (number), 
	UNIQUE (encoder, name), 
	FOREIGN KEY(encoder) REFERENCES encoders (number)
);
INSERT INTO "vector_parts" VALUES(1,1,'p1.vec',3,8,4,'cccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccc');
CREATE TABLE vectors (
	encoder INTEGER NOT NULL, 
	"key" INTEGER NOT NULL, 
	part INTEGER NOT NULL, 
	"row" INTEGER NOT NULL, 
	PRIMARY KEY (encoder, "key"), 
	FOREIGN KEY(encoder) REFERENCES encoders (number), 
	FOREIGN KEY("key") REFERENCES pictures ("key"), 
	FOREIGN KEY(part) REFERENCES vector_parts (number)
)
 WITHOUT ROWID

;
INSERT INTO "vectors" VALUES(1,1,1,0);
INSERT INTO "vectors" VALUES(1,2,1,1);
INSERT INTO "vectors" VALUES(1,3,1,2);
CREATE INDEX ix_decisions_record_id ON decisions (record_id);
CREATE INDEX ix_record_terms_record ON record_terms (record);
CREATE INDEX ix_concepts_uri ON concepts (uri);
CREATE INDEX ix_concepts_notation ON concepts (notation);
CREATE INDEX ix_source_items_record ON source_items (record);
CREATE INDEX ix_vectors_part ON vectors (part);
CREATE INDEX ix_concept_labels_concept ON concept_labels (concept);
CREATE INDEX ix_concept_labels_length_head ON concept_labels (length, head);
CREATE INDEX ix_concept_labels_length_tail ON concept_labels (length, tail);
CREATE INDEX ix_concept_labels_head ON concept_labels (head);
CREATE INDEX ix_concept_closure_ancestor ON concept_closure (ancestor, distance);
CREATE INDEX ix_images_key ON images ("key");
CREATE INDEX ix_images_item ON images (item);
CREATE INDEX ix_images_record ON images (record);
CREATE VIRTUAL TABLE lexical USING fts5(identifier, title, terms, description, tokenize='porter unicode61', prefix='1');
INSERT INTO lexical(rowid, identifier, title, terms, description) VALUES (1, 'iddfd55e7a6abd876bf1dc60f50', '饕餮 餮纹 纹鼎 鼎 tripod with taotie masks', 'ding shang 商代 代晚 晚期 期 gilt bronze taotie 雷纹 纹 mask on the belly', 'a ritual vessel cast in piece moulds 商代 代晚 晚期 期青 青铜 铜礼 礼器 器');
INSERT INTO lexical(rowid, identifier, title, terms, description) VALUES (2, 'id12ecc077d86252c9e87687170', '青花 花瓷 瓷瓶 瓶 blue and white vase', 'vase ming 明代 代 porcelain cobalt', '');
INSERT INTO lexical(rowid, identifier, title, terms, description) VALUES (3, 'id6094a5ac50eb9aa6d3f0f7060', 'bell', 'bronzed wood music', '');
CREATE VIRTUAL TABLE concept_words USING fts5(words, tokenize='porter unicode61', prefix='1');
INSERT INTO concept_words(rowid, words) VALUES (1, 'vessel');
INSERT INTO concept_words(rowid, words) VALUES (2, '容器 器');
INSERT INTO concept_words(rowid, words) VALUES (3, 'container');
INSERT INTO concept_words(rowid, words) VALUES (4, 'tripod');
INSERT INTO concept_words(rowid, words) VALUES (5, '圆鼎 鼎');
INSERT INTO concept_words(rowid, words) VALUES (6, '圆鼎 鼎');
INSERT INTO concept_words(rowid, words) VALUES (7, 'yuan ding');
INSERT INTO concept_words(rowid, words) VALUES (8, 'round ding');
INSERT INTO concept_words(rowid, words) VALUES (9, 'ding tripod');
INSERT INTO concept_words(rowid, words) VALUES (10, '三足 足鼎 鼎');
INSERT INTO concept_words(rowid, words) VALUES (11, 'ritual object');
INSERT INTO concept_words(rowid, words) VALUES (12, '礼器 器');
INSERT INTO concept_words(rowid, words) VALUES (13, 'gui');
INSERT INTO concept_words(rowid, words) VALUES (14, '簋');
INSERT INTO concept_words(rowid, words) VALUES (15, 'theme');
INSERT INTO concept_words(rowid, words) VALUES (16, 'offering of a tripod');
INSERT INTO concept_words(rowid, words) VALUES (17, 'offrande');
COMMIT;
