-- Back to an empty database.
DROP TABLE mark;
DROP TABLE document;
DROP TABLE owed;
DROP TABLE past;
DROP TABLE instance;
DROP TABLE attribute;
DROP TABLE change;
DROP TABLE tenant;
DROP TABLE census;
DROP TABLE place_box;
DROP TABLE place;
DROP TABLE entity_scope;
DROP TABLE entity_type;
DROP TABLE entity;
