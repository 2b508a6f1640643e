-- A database of schema 1, filled by the program of that time: rows in every state. All people are invented.
BEGIN TRANSACTION;
CREATE TABLE answers (
    key             BLOB PRIMARY KEY,
    body_hash       BLOB NOT NULL,
    registration_id TEXT,
    status          INTEGER,
    answer          BLOB,
    created_at      REAL NOT NULL
) STRICT, WITHOUT ROWID;
INSERT INTO "answers" VALUES(X'1E6FC99958794FD8C8C07B91E39CA679',X'A0803BF897A838A69A8E0608C8F238EA','01a223160f1b8af4dcb7df3a697d7968',201,X'7B226964223A223031613232333136306631623861663464636237646633613639376437393638222C22737461747573223A227061727469616C222C2273686F706966795F616374696F6E223A2263726561746564222C2273686F706966795F637573746F6D65725F6964223A226769643A2F2F73686F706966792F437573746F6D65722F37303030303030303030303032222C226D656D6265725F6E756D626572223A2237303030303030303030303032222C227761726E696E6773223A5B5D2C226368616E6E656C73223A7B22736D6172656769223A7B226F7574636F6D65223A2264656C697665726564222C22616374696F6E223A2263726561746564222C227265666572656E6365223A2232227D2C2263726D223A7B226F7574636F6D65223A227265747279696E67222C226572726F725F636C617373223A22756E617661696C61626C65222C226D657373616765223A2263726561746520636F6E746163743A204854545020353030222C226E6578745F617474656D70745F6174223A22323032362D31312D32385431363A35363A32335A227D2C22656D61696C223A7B226F7574636F6D65223A226661696C6564222C226572726F725F636C617373223A22696E76616C69645F64617461222C226D657373616765223A2273656E64206D61696C3A20534D545020353534227D7D7D',1.79588497795631718634e+09);
CREATE TABLE attempts (
    id          INTEGER PRIMARY KEY AUTOINCREMENT,
    delivery_id INTEGER NOT NULL REFERENCES deliveries (id) ON DELETE CASCADE,
    started_at  REAL NOT NULL,
    duration    REAL NOT NULL,
    outcome     TEXT NOT NULL,
    error_class TEXT,
    message     TEXT,
    counted     INTEGER NOT NULL
) STRICT;
INSERT INTO "attempts" VALUES(1,1,1.7958849778825218677e+09,1.42916990000685473205e-02,'delivered',NULL,NULL,1);
INSERT INTO "attempts" VALUES(2,2,1.79588497788263845448e+09,1.1561801000198101974e-02,'delivered',NULL,NULL,1);
INSERT INTO "attempts" VALUES(3,3,1.79588497788344073295e+09,6.05390620000889612128e-02,'delivered',NULL,NULL,1);
INSERT INTO "attempts" VALUES(4,4,1.79588497795008921625e+09,4.94573300011325045488e-03,'delivered',NULL,NULL,1);
INSERT INTO "attempts" VALUES(5,6,1.79588497795040917398e+09,3.20699899998544424306e-03,'failed','invalid_data','send mail: SMTP 554',1);
INSERT INTO "attempts" VALUES(6,5,1.79588497795021033291e+09,2.08295700008420681115e-03,'retrying','unavailable','create contact: HTTP 500',1);
INSERT INTO "attempts" VALUES(7,7,1.79588497796215367319e+09,4.22665049998158792732e-02,'dry_run',NULL,'dry run: stopped before POST create member',1);
INSERT INTO "attempts" VALUES(8,8,1.7958849780174138546e+09,8.66387199994278489612e-03,'delivered',NULL,NULL,1);
CREATE TABLE deliveries (
    id              INTEGER PRIMARY KEY AUTOINCREMENT,
    registration_id TEXT,
    customer_id     INTEGER NOT NULL,
    channel         TEXT NOT NULL,
    kind            TEXT NOT NULL
                    CHECK (kind IN ('registration', 'update', 'backfill', 'removal')),
    outcome         TEXT NOT NULL
                    CHECK (outcome IN ('delivered', 'pending', 'retrying', 'failed', 'held',
                                       'skipped', 'dry_run', 'discarded')),
    error_class     TEXT
                    CHECK (error_class IN ('connection', 'timeout', 'rate_limit', 'unavailable',
                                           'auth', 'invalid_data', 'duplicate', 'conflict',
                                           'too_late', 'unexpected')),
    message         TEXT,
    attempts        INTEGER NOT NULL DEFAULT 0 CHECK (attempts >= 0),
    version         INTEGER NOT NULL DEFAULT 1,
    claimed_version INTEGER,            -- the version that the running attempt began with
    waiting         TEXT CHECK (waiting IN ('channel', 'shopify', 'index')),
    email_verified  INTEGER NOT NULL DEFAULT 0,
    urgent          INTEGER NOT NULL DEFAULT 0,  -- opted out of mail: goes whatever the flags say
    state           TEXT,               -- keyed hash of what the last failed attempt tried to send
    plan            TEXT,               -- what the channel decided before its write (ids only)
    action          TEXT,
    reference       TEXT,
    adjustments     TEXT NOT NULL DEFAULT '[]',
    created_at      REAL NOT NULL,
    updated_at      REAL NOT NULL,
    next_attempt_at REAL
) STRICT;
INSERT INTO "deliveries" VALUES(1,'01a223160ed001c0185fc6da2a280dd3',7000000000001,'smaregi','registration','delivered',NULL,NULL,1,1,NULL,NULL,1,0,NULL,NULL,'created','1','[]',1.79588497788104343414e+09,1.79588497794403696055e+09,NULL);
INSERT INTO "deliveries" VALUES(2,'01a223160ed001c0185fc6da2a280dd3',7000000000001,'crm','registration','delivered',NULL,NULL,1,1,NULL,NULL,1,0,NULL,NULL,'created','101','[]',1.79588497788104343414e+09,1.79588497794403696055e+09,NULL);
INSERT INTO "deliveries" VALUES(3,'01a223160ed001c0185fc6da2a280dd3',7000000000001,'email','registration','delivered',NULL,NULL,1,1,NULL,NULL,1,0,NULL,NULL,'sent','<welcome.7000000000001.37004316c1230896@example.com>','[]',1.79588497788104343414e+09,1.79588497794403696055e+09,NULL);
INSERT INTO "deliveries" VALUES(4,'01a223160f1b8af4dcb7df3a697d7968',7000000000002,'smaregi','registration','delivered',NULL,NULL,1,1,NULL,NULL,1,0,NULL,NULL,'created','2','[]',1.79588497794942522048e+09,1.79588497795506548881e+09,NULL);
INSERT INTO "deliveries" VALUES(5,'01a223160f1b8af4dcb7df3a697d7968',7000000000002,'crm','registration','retrying','unavailable','create contact: HTTP 500',1,1,NULL,NULL,1,0,'c351d4560c1f8b77',NULL,NULL,NULL,'[]',1.79588497794942522048e+09,1.79588497795506548881e+09,1.79588498314288139341e+09);
INSERT INTO "deliveries" VALUES(6,'01a223160f1b8af4dcb7df3a697d7968',7000000000002,'email','registration','failed','invalid_data','send mail: SMTP 554',1,1,NULL,NULL,1,0,'3d52becf6d669f84',NULL,NULL,NULL,'[]',1.79588497794942522048e+09,1.79588497795506548881e+09,NULL);
INSERT INTO "deliveries" VALUES(7,'01a223160f278e87830f2a10532dc839',7000000000003,'smaregi','registration','dry_run',NULL,'dry run: stopped before POST create member',1,1,NULL,NULL,1,0,NULL,NULL,NULL,NULL,'[]',1.79588497796142292019e+09,1.79588497800446486476e+09,NULL);
INSERT INTO "deliveries" VALUES(8,'01a223160f278e87830f2a10532dc839',7000000000003,'crm','registration','delivered',NULL,NULL,1,1,NULL,NULL,1,0,NULL,NULL,'created','102','[]',1.79588497796142292019e+09,1.79588497802609801294e+09,NULL);
INSERT INTO "deliveries" VALUES(9,'01a223160f278e87830f2a10532dc839',7000000000003,'email','registration','skipped',NULL,NULL,0,1,NULL,NULL,1,0,NULL,NULL,NULL,NULL,'[]',1.79588497796142292019e+09,1.79588497796142292019e+09,NULL);
INSERT INTO "deliveries" VALUES(10,NULL,7100000000000,'crm','registration','delivered',NULL,NULL,0,1,NULL,NULL,0,0,NULL,NULL,NULL,NULL,'[]',1795000000.0,1795000000.0,NULL);
INSERT INTO "deliveries" VALUES(11,NULL,7100000000001,'crm','update','pending',NULL,NULL,1,1,NULL,NULL,0,0,NULL,NULL,NULL,NULL,'[]',1795000000.0,1795000000.0,NULL);
INSERT INTO "deliveries" VALUES(12,NULL,7100000000002,'crm','backfill','retrying','timeout','no answer',2,1,NULL,NULL,0,0,NULL,NULL,NULL,NULL,'[]',1795000000.0,1795000000.0,1795000000.0);
INSERT INTO "deliveries" VALUES(13,NULL,7100000000003,'crm','removal','failed','timeout','no answer',3,1,NULL,NULL,0,0,NULL,NULL,NULL,NULL,'[]',1795000000.0,1795000000.0,NULL);
INSERT INTO "deliveries" VALUES(14,NULL,7100000000004,'crm','registration','held',NULL,NULL,4,1,NULL,NULL,0,0,NULL,NULL,NULL,NULL,'[]',1795000000.0,1795000000.0,NULL);
INSERT INTO "deliveries" VALUES(15,NULL,7100000000005,'crm','update','skipped',NULL,NULL,5,1,NULL,NULL,0,0,NULL,NULL,NULL,NULL,'[]',1795000000.0,1795000000.0,NULL);
INSERT INTO "deliveries" VALUES(16,NULL,7100000000006,'crm','backfill','dry_run',NULL,NULL,6,1,NULL,NULL,0,0,NULL,NULL,NULL,NULL,'[]',1795000000.0,1795000000.0,NULL);
INSERT INTO "deliveries" VALUES(17,NULL,7100000000007,'crm','removal','discarded',NULL,NULL,7,1,NULL,NULL,0,0,NULL,NULL,NULL,NULL,'[]',1795000000.0,1795000000.0,NULL);
CREATE TABLE duplicates (
    low_id     INTEGER NOT NULL,
    high_id    INTEGER NOT NULL,
    state      TEXT NOT NULL CHECK (state IN ('open', 'rejected', 'merged')),
    reasons    TEXT NOT NULL,
    score      INTEGER NOT NULL,
    found_at   REAL NOT NULL,
    updated_at REAL NOT NULL,
    PRIMARY KEY (low_id, high_id),
    CHECK (low_id < high_id)
) STRICT, WITHOUT ROWID;
INSERT INTO "duplicates" VALUES(5,6,'open','["name"]',60,1795000000.0,1795000000.0);
INSERT INTO "duplicates" VALUES(7,8,'rejected','[]',40,1795000000.0,1795000000.0);
INSERT INTO "duplicates" VALUES(8,9,'merged','[]',40,1795000000.0,1795000000.0);
CREATE TABLE events (
    id              TEXT PRIMARY KEY,   -- the source, a colon and the sender's own event id
    source          TEXT NOT NULL CHECK (source IN ('shopify', 'smaregi')),
    topic           TEXT NOT NULL,
    customer_id     INTEGER,            -- Shopify's; of a merge the survivor
    merged_id       INTEGER,            -- of a merge the customer that went
    members         TEXT NOT NULL DEFAULT '[]',
    state           TEXT NOT NULL CHECK (state IN ('waiting', 'done', 'failed')),
    attempts        INTEGER NOT NULL DEFAULT 0,
    message         TEXT,
    received_at     REAL NOT NULL,
    updated_at      REAL NOT NULL,
    next_attempt_at REAL NOT NULL
) STRICT;
INSERT INTO "events" VALUES('shopify:0','shopify','customers/update',7100000000102,NULL,'[]','waiting',0,NULL,1795000000.0,1795000000.0,1795000000.0);
INSERT INTO "events" VALUES('shopify:1','shopify','customers/delete',7100000000102,NULL,'[]','done',0,NULL,1795000000.0,1795000000.0,1795000000.0);
INSERT INTO "events" VALUES('shopify:2','shopify','customers/merge',7100000000102,7100000000103,'[]','failed',0,NULL,1795000000.0,1795000000.0,1795000000.0);
INSERT INTO "events" VALUES('smaregi:1','smaregi','pos:customers',NULL,NULL,'[1,2]','waiting',0,NULL,1795000000.0,1795000000.0,1795000000.0);
CREATE TABLE intents (
    registration_id TEXT PRIMARY KEY,
    sealed          BLOB NOT NULL,
    created_at      REAL NOT NULL
) STRICT, WITHOUT ROWID;
INSERT INTO "intents" VALUES('01a223160f5804d13cc7f696241e430c',X'66197B1FC953F6D82A167665F2FFB172F1C79E4597BBB3FA3E305E0E02A21A312575E5DB8607F61133699F88A90D7EA1786A5EA976DEC0465691CB82E97C45FC42D6836A29DCA6FCF8135DB857B61B26B65A297DF96DE0551537790E42877A96F5140E3D57A41597C8789D0D06A361DA189A06AD88DE53FD0302FFDE745683CF25703A091879C0511CF36D18719A521028A1C604F09B8778CFE8F461B89E8985730E0E3EB7761DF91F83939B2D77EE2BBB65C01C5A9603BB122F18697C4B82F1C76639A8832B3BC4DBE17BD54998DBF55FFAE1E32FEF17F69396A1B1E6A2A8940F8D04A4EB390AB07D9A59276FCCD918E0CBB1555671C5E72660B51C51B56994BED1C2D9BD8523BCD7D2F63F2CE15266008BA5B47ADF89CCF30EB39C003C4CB0DA2D2798D3CC3DA130B4BABDF6E7E8B6B41A14C1EF71A63C06CAF050038106E85C9FB37AD7360C79A5BDEEC299AA009777029CE92BA11B69F92FBDC49E4CC737935611F1518692AD28ED185F03D9C359EC70E46B730F7AFF0627EDF8FD023D83C30C7254925B02436A7DF5037CB65E56',1.79588497800840830799e+09);
INSERT INTO "intents" VALUES('01a223160f5a70266ebd78133bddd444',X'5B7FFD91BD256C8311B37604A780B449096CD564A7DB6C2CE90C90272D8913BA8AD78B43440765EE9DD26D42C0BDA44EC9BA3875995C32A5956887FF0AA372C20A7679D71ADCF484FF1AE8DC2665B7CC5DC063F6DDF85E7DE2F59128CDF9CA73A91FBFEE99EBBB9AC72D41B0ADBF930DC8CDDBA79BC49D5F6F3C1BF8696B036315F29079118DAF7FFF15A5B5D2093DA328C9C7C002C0BE91C14A9A0CA657C55A920F533B32C7217E1E1ABB9D633867C1F91717DDDCE42F880B63D98FEE8C1A097AA3475C267847397B76EE6678E412CA8630D41A4179D559F76D09A070A6E8D8835A6B86D9AD04E7B2D9CB9A0E2F1C6963B305FFF7055FAAD93E6767833052095A2F31A25A49B57B90EAD8934220B60CB1818B20FF76E4BB835015CCB9F7462A9FDA0F4AA6F4C30223BABFD31FF82059AF14A197E89D37BAA7B0608FC17DA50C8A1EA5EBE06BB6523DF4EC277706EC77952E5D5CA6EE347C1BC5D2D501FC7732F4783517B00E32D2441794A4C5A21F5655B4E720051ABE42DA99A2F7B09AB598FA0D56DA8C2E86A88910C1C11883155E',1.79588497801056504255e+09);
INSERT INTO "intents" VALUES('r-open',X'0011',1795000000.0);
CREATE TABLE kept_apart (
    customer_id INTEGER NOT NULL,
    member_id   INTEGER NOT NULL,
    created_at  REAL NOT NULL,
    PRIMARY KEY (customer_id, member_id)
) STRICT, WITHOUT ROWID;
INSERT INTO "kept_apart" VALUES(7100000000100,77,1795000000.0);
CREATE TABLE links (
    channel       TEXT NOT NULL,
    customer_id   INTEGER NOT NULL,
    reference     TEXT NOT NULL,
    member_number TEXT,
    fields        TEXT,  -- JSON: field -> how it was given (s sent, b baseline) and keyed hash
    old_number    TEXT,  -- the number that the record had before it was linked
    old_place     TEXT,  -- the field where it is kept; both NULL for a record of our own making
    created_at    REAL NOT NULL,
    updated_at    REAL NOT NULL,
    PRIMARY KEY (channel, customer_id)
) STRICT, WITHOUT ROWID;
INSERT INTO "links" VALUES('crm',7000000000001,'101',NULL,'{"email":"s992da388dcb5ad17","firstname":"s29c9642664094b68","lastname":"scb760325db904d52","phone":"s29e2b472b3b72e86","shopify_customer_id":"s59d15c3b5cc19a80","last_name_kana":"se73b367a86975772","first_name_kana":"sc8a55718886b7a31","date_of_birth":"s8f6a29a53085196c","accepts_marketing":"sfc7beaa1e1a736eb","zip":"s669772b6a9a56b6a","state":"s3319b30b5e16979c","city":"sebbb70d8d6b41ca6","address":"s3af6e24598337327","country":"sc1346a3ef8204378"}',NULL,NULL,1.79588497794403696055e+09,1.79588497794403696055e+09);
INSERT INTO "links" VALUES('crm',7000000000003,'102',NULL,'{"email":"s34fc25b20281caf2","firstname":"s89326bc2bd61f63f","lastname":"sf41456d47fe17b99","phone":"s062416f4331ee9d8","shopify_customer_id":"s10dfe185f57d4306","last_name_kana":"sc9173058ff046b45","first_name_kana":"s61497b751d5396e6","date_of_birth":"s352d02dde764e675","accepts_marketing":"s8c01e9b7362ebbfb","zip":"sa6045fe09da6734a","state":"s7c330efc0d01510d","city":"sdd45a6e9179f166f","address":"s7397bf5985f1a0e0","country":"s2be04ba52037f540"}',NULL,NULL,1.79588497802609801294e+09,1.79588497802609801294e+09);
INSERT INTO "links" VALUES('crm',7100000000100,'5001',NULL,NULL,NULL,NULL,1795000000.0,1795000000.0);
INSERT INTO "links" VALUES('crm',7100000000101,'5001',NULL,NULL,NULL,NULL,1795000005.0,1795000005.0);
INSERT INTO "links" VALUES('email',7000000000001,'<welcome.7000000000001.37004316c1230896@example.com>',NULL,NULL,NULL,NULL,1.79588497794403696055e+09,1.79588497794403696055e+09);
INSERT INTO "links" VALUES('smaregi',7000000000001,'1','7000000000001','{"lastName":"sd7d9809e2518edfb","firstName":"sa82e5524b63d6d81","lastKana":"s714ea16be7f7adaf","firstKana":"s1f35ee9b29b67ee9","mailAddress":"sa592d94beb332d7d","sex":"s60517069935b2419","birthDate":"s60d1ae808a296b05","mailReceiveFlag":"s0455a977b867f0e5","mobileNumber":"sdd951eda8738ed6d","postCode":"s5f55b5f5114a2873","address":"s99b9d0d2914b72b4","t":"t"}',NULL,NULL,1.79588497794403696055e+09,1.79588497794403696055e+09);
INSERT INTO "links" VALUES('smaregi',7000000000002,'2','7000000000002','{"lastName":"sb9438c3fce20911d","firstName":"sb1c34b6ca2efc531","lastKana":"s896a4582873a79c7","firstKana":"sfee293196e42f66b","mailAddress":"sd43c982fc18b04ec","sex":"s021444327017d8ca","birthDate":"s724ee94927153596","mailReceiveFlag":"sbc272193fabb6a8e","mobileNumber":"s61ed68bbaac27814","postCode":"sdffb9f8d1b838717","address":"sc2863c64f3e7bbfa","t":"t"}',NULL,NULL,1.79588497795506548881e+09,1.79588497795506548881e+09);
CREATE TABLE members (
    member_id  INTEGER PRIMARY KEY,
    part       INTEGER NOT NULL,
    code       TEXT NOT NULL,
    number     TEXT NOT NULL,
    email_key  BLOB,
    status     INTEGER NOT NULL,
    kana_key   BLOB,
    name_key   BLOB,
    birth_key  BLOB,
    last_come  TEXT NOT NULL,
    points     INTEGER NOT NULL,
    mobile_key BLOB,
    postal_key BLOB,
    place_key  BLOB
) STRICT;
INSERT INTO "members" VALUES(1,0,'7000000000001','',X'B7E645F808C284A6',0,X'193AE6D586B4A90D',X'ADA1117B0D42503F',X'A32724A1021883CA','',0,NULL,X'3CDA2484199A1CC8',X'E867136AC239B79C');
INSERT INTO "members" VALUES(2,0,'7000000000002','',X'4E8BC79452096315',0,X'193AE6D586B4A90D',X'ADA1117B0D42503F',X'A32724A1021883CA','',0,X'E6FC538C74834614',X'3CDA2484199A1CC8',X'E867136AC239B79C');
CREATE TABLE merges (
    low            INTEGER NOT NULL,
    high           INTEGER NOT NULL,
    survivor       INTEGER NOT NULL,
    absorbed       INTEGER NOT NULL,
    step           TEXT NOT NULL CHECK (step IN ('begun', 'taking', 'taken', 'giving', 'given',
                                                 'linking', 'done')),
    customer_id    INTEGER,  -- whose link moves to the survivor
    points         INTEGER NOT NULL DEFAULT 0,
    balance_before INTEGER NOT NULL DEFAULT 0,
    problem        TEXT,
    created_at     REAL NOT NULL,
    updated_at     REAL NOT NULL,
    PRIMARY KEY (low, high),
    CHECK (low < high)
) STRICT, WITHOUT ROWID;
INSERT INTO "merges" VALUES(5,6,5,6,'taken',7100000000100,120,120,NULL,1795000000.0,1795000000.0);
CREATE TABLE meta (
    key   TEXT PRIMARY KEY,
    value TEXT NOT NULL
) STRICT, WITHOUT ROWID;
INSERT INTO "meta" VALUES('duplicates_cursor','0');
INSERT INTO "meta" VALUES('members_came','2');
INSERT INTO "meta" VALUES('members_complete','1');
INSERT INTO "meta" VALUES('members_newest','');
INSERT INTO "meta" VALUES('members_reached','0');
INSERT INTO "meta" VALUES('members_refreshed_at','1795884977.787716');
INSERT INTO "meta" VALUES('members_running','');
INSERT INTO "meta" VALUES('members_stamp','2026-11-29T01:56:17+09:00');
INSERT INTO "meta" VALUES('reconciled_shopify','1795884977.8672342');
INSERT INTO "meta" VALUES('reconciled_smaregi','1795884977.8672342');
CREATE TABLE registrations (
    id             TEXT PRIMARY KEY,
    state          TEXT NOT NULL
                   CHECK (state IN ('open', 'waiting', 'unclear', 'accepted', 'rejected',
                                    'replaced')),
    email_hash     BLOB NOT NULL,
    body_hash      BLOB NOT NULL,
    email_verified INTEGER NOT NULL DEFAULT 0,
    customer_id    INTEGER,
    shopify_action TEXT CHECK (shopify_action IN ('created', 'adopted')),
    warnings       TEXT NOT NULL DEFAULT '[]',
    problem        TEXT,
    told           INTEGER NOT NULL DEFAULT 0,  -- whether a caller heard of the success
    created_at     REAL NOT NULL,
    updated_at     REAL NOT NULL,
    -- of one that waits, or waited:
    tries          INTEGER NOT NULL DEFAULT 0,
    claimed        INTEGER NOT NULL DEFAULT 0,  -- a try is under way
    doubt          INTEGER NOT NULL DEFAULT 0,  -- Shopify may have carried a try out
    next_try_at    REAL,
    end_at         REAL,                        -- when it is given up
    replaced_by    TEXT                         -- the newest registration of this person
) STRICT, WITHOUT ROWID;
INSERT INTO "registrations" VALUES('01a223160ed001c0185fc6da2a280dd3','accepted',X'9551523E3314839FBE2943F687A12FE4',X'D0F645F43D23F5D3BA6AFEA386A2050B',1,7000000000001,'created','[]',NULL,1,1.79588497787287330624e+09,1.79588497788104343414e+09,0,0,0,NULL,NULL,NULL);
INSERT INTO "registrations" VALUES('01a223160f1b8af4dcb7df3a697d7968','accepted',X'7933A7D995A12F0BDBE0D8C5D8240B71',X'3CFC7A1B25BE664741DA2D2FE408B7D6',1,7000000000002,'created','[]',NULL,1,1.79588497794740295414e+09,1.79588497794942522048e+09,0,0,0,NULL,NULL,NULL);
INSERT INTO "registrations" VALUES('01a223160f278e87830f2a10532dc839','accepted',X'5CCA58CB54914E26318597D5D2F01F98',X'88E0E67DD05342B93535633E0A9C8D3C',1,7000000000003,'created','[]',NULL,1,1.79588497795943093301e+09,1.79588497796142292019e+09,0,0,0,NULL,NULL,NULL);
INSERT INTO "registrations" VALUES('01a223160f5804d13cc7f696241e430c','waiting',X'4713D2C12CD2640A7BED07333C3E9EA6',X'D9844691469AD6DDCE4C36C21750157C',1,NULL,NULL,'[]',NULL,0,1.79588497800840830799e+09,1.79588497852752828603e+09,1,0,1,1.79588498359920072555e+09,1.79597137800840830805e+09,NULL);
INSERT INTO "registrations" VALUES('01a223160f5a70266ebd78133bddd444','unclear',X'79EEDDD8B7A9263BB87DA9E7BA4AC14D',X'22CB1F104FD732AABD8C7220A16224AB',1,NULL,NULL,'[]',NULL,0,1.79588497801056504255e+09,1.7958849785276558399e+09,0,0,0,NULL,NULL,NULL);
INSERT INTO "registrations" VALUES('r-open','open',X'01',X'02',0,NULL,NULL,'[]',NULL,0,1795000000.0,1795000000.0,0,0,0,NULL,NULL,NULL);
INSERT INTO "registrations" VALUES('r-rejected','rejected',X'03',X'04',0,NULL,NULL,'[]','{"type": "invalid-data"}',0,1795000000.0,1795000000.0,0,0,0,NULL,NULL,NULL);
INSERT INTO "registrations" VALUES('r-replaced','replaced',X'05',X'06',0,NULL,NULL,'[]',NULL,0,1795000000.0,1795000000.0,0,0,0,NULL,NULL,'r-open');
CREATE TABLE told (
    customer_id INTEGER PRIMARY KEY,
    email_key   BLOB,
    mobile_key  BLOB,
    kana_key    BLOB,
    name_key    BLOB,
    birth_key   BLOB,
    postal_key  BLOB,
    place_key   BLOB
) STRICT;
CREATE TABLE unexamined (
    member_id   INTEGER PRIMARY KEY,
    customer_id INTEGER,
    told        BLOB
) STRICT;
INSERT INTO "unexamined" VALUES(1,7000000000001,NULL);
INSERT INTO "unexamined" VALUES(2,7000000000002,NULL);
INSERT INTO "unexamined" VALUES(5,NULL,NULL);
CREATE TABLE unproven (
    customer_id INTEGER PRIMARY KEY
) STRICT;
INSERT INTO "unproven" VALUES(7100000000100);
CREATE INDEX registrations_email ON registrations (email_hash, created_at);
CREATE INDEX registrations_unsettled ON registrations (state) WHERE state IN ('open', 'unclear');
CREATE INDEX registrations_waiting ON registrations (next_try_at, id) WHERE state = 'waiting';
CREATE INDEX registrations_claimed ON registrations (id) WHERE state = 'waiting' AND claimed = 1;
CREATE INDEX answers_age ON answers (created_at);
CREATE UNIQUE INDEX deliveries_open ON deliveries (customer_id, channel)
    WHERE outcome IN ('pending', 'retrying', 'failed', 'held');
CREATE INDEX deliveries_due ON deliveries (channel, outcome, next_attempt_at)
    WHERE outcome IN ('pending', 'retrying', 'failed', 'held');
CREATE INDEX deliveries_customer ON deliveries (customer_id, channel, id);
CREATE INDEX deliveries_registration ON deliveries (registration_id);
CREATE INDEX attempts_delivery ON attempts (delivery_id);
CREATE INDEX links_reference ON links (channel, reference);
CREATE INDEX duplicates_high ON duplicates (high_id);
CREATE INDEX told_email ON told (email_key) WHERE email_key IS NOT NULL;
CREATE INDEX told_mobile ON told (mobile_key) WHERE mobile_key IS NOT NULL;
CREATE INDEX told_kana ON told (kana_key, birth_key, postal_key) WHERE kana_key IS NOT NULL;
CREATE INDEX told_place ON told (place_key, name_key)
    WHERE place_key IS NOT NULL AND name_key IS NOT NULL;
CREATE INDEX members_email ON members (part, email_key) WHERE email_key IS NOT NULL;
CREATE INDEX members_number ON members (number) WHERE number <> '';
CREATE INDEX members_mobile ON members (part, mobile_key) WHERE mobile_key IS NOT NULL;
CREATE INDEX members_kana ON members (part, kana_key, birth_key, postal_key)
    WHERE kana_key IS NOT NULL;
CREATE INDEX members_place ON members (part, place_key, name_key)
    WHERE place_key IS NOT NULL AND name_key IS NOT NULL;
CREATE INDEX events_due ON events (source, next_attempt_at) WHERE state = 'waiting';
CREATE INDEX events_merged ON events (merged_id) WHERE merged_id IS NOT NULL;
CREATE INDEX events_settled ON events (updated_at) WHERE state <> 'waiting';
DELETE FROM "sqlite_sequence";
INSERT INTO "sqlite_sequence" VALUES('deliveries',17);
INSERT INTO "sqlite_sequence" VALUES('attempts',8);
COMMIT;
PRAGMA user_version = 1;
