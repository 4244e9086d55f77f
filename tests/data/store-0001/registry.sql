BEGIN TRANSACTION;
CREATE TABLE alembic_version (
	version_num VARCHAR(32) NOT NULL, 
	CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num)
);
INSERT INTO "alembic_version" VALUES('0001');
CREATE TABLE choices (
	number INTEGER NOT NULL, 
	model_id VARCHAR(128), 
	created DATETIME NOT NULL, 
	CONSTRAINT pk_choices PRIMARY KEY (number)
);
INSERT INTO "choices" VALUES(1,'line','2026-11-23 14:14:19.121002');
INSERT INTO "choices" VALUES(2,'forest','2026-11-23 14:14:19.137635');
CREATE TABLE jobs (
	id VARCHAR(32) NOT NULL, 
	table_digest VARCHAR(64) NOT NULL, 
	owner VARCHAR(32) NOT NULL, 
	holdout DOUBLE NOT NULL, 
	seconds_limit DOUBLE, 
	memory_limit BIGINT, 
	created DATETIME NOT NULL, 
	CONSTRAINT pk_jobs PRIMARY KEY (id)
);
INSERT INTO "jobs" VALUES('3df8a21a94da4ffa9e225086e2c33d83','d3a5a33c8dcffac7dde474774a505a4b74eddc26c90957f7de2758b1c3d81999','49d5fadc1f764f7e844308aa89aee9ba',0.25,60.0,12638251008,'2026-11-23 14:14:13.554477');
INSERT INTO "jobs" VALUES('9781658eaee845f79b0a2b9247507cc0','d3a5a33c8dcffac7dde474774a505a4b74eddc26c90957f7de2758b1c3d81999','49d5fadc1f764f7e844308aa89aee9ba',0.0,60.0,12638251008,'2026-11-23 14:14:19.100926');
CREATE TABLE models (
	number INTEGER NOT NULL, 
	id VARCHAR(128) NOT NULL, 
	job_id VARCHAR(32) NOT NULL, 
	position INTEGER NOT NULL, 
	type VARCHAR(64) NOT NULL, 
	hyperparameters JSON NOT NULL, 
	digest VARCHAR(64) NOT NULL, 
	table_digest VARCHAR(64) NOT NULL, 
	seed BIGINT NOT NULL, 
	seconds DOUBLE NOT NULL, 
	peak_memory BIGINT, 
	versions JSON NOT NULL, 
	features JSON NOT NULL, 
	remarks JSON NOT NULL, 
	created DATETIME NOT NULL, 
	CONSTRAINT pk_models PRIMARY KEY (number), 
	CONSTRAINT fk_models_job_id_jobs FOREIGN KEY(job_id) REFERENCES jobs (id), 
	CONSTRAINT uq_models_id UNIQUE (id)
);
INSERT INTO "models" VALUES(1,'line','3df8a21a94da4ffa9e225086e2c33d83',0,'LogReg','{"C": 1.0, "class_weight": null, "dual": false, "fit_intercept": true, "intercept_scaling": 1.0, "l1_ratio": 0.0, "max_iter": 100, "penalty": "deprecated", "random_state": null, "solver": "lbfgs", "tol": 0.0001, "warm_start": false}','106b99737c96db1bfafa4e93020629be56b30ef6c5e4fba3aeea9b6e455fc15f','d3a5a33c8dcffac7dde474774a505a4b74eddc26c90957f7de2758b1c3d81999',0,2.46206372998130973428e-01,170881024,'{"python": "3.11.7", "eventsieve": "0.1.0", "numpy": "2.4.6", "scipy": "1.17.1", "scikit-learn": "1.9.1", "skops": "0.16.0"}','["DER_mass_MMC", "DER_mass_transverse_met_lep", "DER_mass_vis", "DER_pt_h", "DER_deltaeta_jet_jet", "DER_mass_jet_jet", "DER_prodeta_jet_jet", "DER_deltar_tau_lep", "DER_pt_tot", "DER_sum_pt", "DER_pt_ratio_lep_tau", "DER_met_phi_centrality", "DER_lep_eta_centrality", "PRI_tau_pt", "PRI_tau_eta", "PRI_tau_phi", "PRI_lep_pt", "PRI_lep_eta", "PRI_lep_phi", "PRI_met", "PRI_met_phi", "PRI_met_sumet", "PRI_jet_num", "PRI_jet_leading_pt", "PRI_jet_leading_eta", "PRI_jet_leading_phi", "PRI_jet_subleading_pt", "PRI_jet_subleading_eta", "PRI_jet_subleading_phi", "PRI_jet_all_pt"]','[]','2026-11-23 14:14:18.886065');
INSERT INTO "models" VALUES(2,'forest','3df8a21a94da4ffa9e225086e2c33d83',1,'RandomForest','{"bootstrap": true, "ccp_alpha": 0.0, "class_weight": null, "criterion": "gini", "max_depth": 3, "max_features": "sqrt", "max_leaf_nodes": null, "max_samples": null, "min_impurity_decrease": 0.0, "min_samples_leaf": 1, "min_samples_split": 2, "min_weight_fraction_leaf": 0.0, "n_estimators": 3, "oob_score": false, "random_state": null, "warm_start": false}','eede6a4c482e4d5a1aa2de1ed069ad49fdd8974b69a79c3652551a2237471090','d3a5a33c8dcffac7dde474774a505a4b74eddc26c90957f7de2758b1c3d81999',0,3.24179729999741539359e-01,170471424,'{"python": "3.11.7", "eventsieve": "0.1.0", "numpy": "2.4.6", "scipy": "1.17.1", "scikit-learn": "1.9.1", "skops": "0.16.0"}','["DER_mass_MMC", "DER_mass_transverse_met_lep", "DER_mass_vis", "DER_pt_h", "DER_deltaeta_jet_jet", "DER_mass_jet_jet", "DER_prodeta_jet_jet", "DER_deltar_tau_lep", "DER_pt_tot", "DER_sum_pt", "DER_pt_ratio_lep_tau", "DER_met_phi_centrality", "DER_lep_eta_centrality", "PRI_tau_pt", "PRI_tau_eta", "PRI_tau_phi", "PRI_lep_pt", "PRI_lep_eta", "PRI_lep_phi", "PRI_met", "PRI_met_phi", "PRI_met_sumet", "PRI_jet_num", "PRI_jet_leading_pt", "PRI_jet_leading_eta", "PRI_jet_leading_phi", "PRI_jet_subleading_pt", "PRI_jet_subleading_eta", "PRI_jet_subleading_phi", "PRI_jet_all_pt"]','[]','2026-11-23 14:14:19.018638');
CREATE TABLE scores (
	model INTEGER NOT NULL, 
	position INTEGER NOT NULL, 
	name VARCHAR(64) NOT NULL, 
	value DOUBLE NOT NULL, 
	uncertainty DOUBLE, 
	cut DOUBLE, 
	CONSTRAINT pk_scores PRIMARY KEY (model, position), 
	CONSTRAINT fk_scores_model_models FOREIGN KEY(model) REFERENCES models (number)
);
INSERT INTO "scores" VALUES(1,0,'accuracy',6.66666666666666629659e-01,1.03892218417841339372e-01,NULL);
INSERT INTO "scores" VALUES(1,1,'f1',4.44444444444444419772e-01,2.23408195484198629499e-01,NULL);
INSERT INTO "scores" VALUES(1,2,'roc_auc',0.8,1.11081635362368369435e-01,NULL);
INSERT INTO "scores" VALUES(1,3,'ams',2.57628333310164414626e+00,2.23460500689273473535e+01,7.6112141934072619076e-01);
INSERT INTO "scores" VALUES(2,0,'accuracy',6.66666666666666629659e-01,1.20610285432519614978e-01,NULL);
INSERT INTO "scores" VALUES(2,1,'f1',4.44444444444444419772e-01,2.11648108014800023779e-01,NULL);
INSERT INTO "scores" VALUES(2,2,'roc_auc',0.81,1.11224264487048904448e-01,NULL);
INSERT INTO "scores" VALUES(2,3,'ams',2.77367971876937469133e+00,2.25858925438473647764e+01,2.92857142857142815906e-01);
CREATE TABLE tables (
	digest VARCHAR(64) NOT NULL, 
	schema_name VARCHAR(128) NOT NULL, 
	events INTEGER NOT NULL, 
	signal INTEGER NOT NULL, 
	created DATETIME NOT NULL, 
	CONSTRAINT pk_tables PRIMARY KEY (digest)
);
INSERT INTO "tables" VALUES('d3a5a33c8dcffac7dde474774a505a4b74eddc26c90957f7de2758b1c3d81999','atlas-higgs-2014',60,21,'2026-11-23 14:14:13.507297');
CREATE TABLE trainings (
	job_id VARCHAR(32) NOT NULL, 
	position INTEGER NOT NULL, 
	model_id VARCHAR(128) NOT NULL, 
	type VARCHAR(64) NOT NULL, 
	hyperparameters JSON NOT NULL, 
	seed BIGINT NOT NULL, 
	state VARCHAR(16) NOT NULL, 
	reason VARCHAR NOT NULL, 
	seconds DOUBLE NOT NULL, 
	peak_memory BIGINT, 
	CONSTRAINT pk_trainings PRIMARY KEY (job_id, position), 
	CONSTRAINT fk_trainings_job_id_jobs FOREIGN KEY(job_id) REFERENCES jobs (id)
);
INSERT INTO "trainings" VALUES('3df8a21a94da4ffa9e225086e2c33d83',0,'line','LogReg','{"C": 1.0, "class_weight": null, "dual": false, "fit_intercept": true, "intercept_scaling": 1.0, "l1_ratio": 0.0, "max_iter": 100, "penalty": "deprecated", "random_state": null, "solver": "lbfgs", "tol": 0.0001, "warm_start": false}',0,'trained','',2.46206372998130973428e-01,170881024);
INSERT INTO "trainings" VALUES('3df8a21a94da4ffa9e225086e2c33d83',1,'forest','RandomForest','{"bootstrap": true, "ccp_alpha": 0.0, "class_weight": null, "criterion": "gini", "max_depth": 3, "max_features": "sqrt", "max_leaf_nodes": null, "max_samples": null, "min_impurity_decrease": 0.0, "min_samples_leaf": 1, "min_samples_split": 2, "min_weight_fraction_leaf": 0.0, "n_estimators": 3, "oob_score": false, "random_state": null, "warm_start": false}',0,'trained','',3.24179729999741539359e-01,170471424);
INSERT INTO "trainings" VALUES('9781658eaee845f79b0a2b9247507cc0',0,'bad','LogReg','{"C": -1}',0,'failed','C does not take -1; it takes a number above 0 up to and with inf.',0.0,NULL);
CREATE INDEX ix_jobs_table_digest ON jobs (table_digest);
CREATE INDEX ix_models_digest ON models (digest);
CREATE INDEX ix_models_table_digest ON models (table_digest);
CREATE INDEX ix_trainings_state ON trainings (state);
CREATE UNIQUE INDEX uq_trainings_unfinished ON trainings (model_id) WHERE state IN ('queued', 'running');
COMMIT;
