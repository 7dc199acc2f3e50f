DROP TABLE mark, document_change, document, owed, instance, change, tenant, census, hot, attribute, place,
    entity_scope, entity_type, entity;
