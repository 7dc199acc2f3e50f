-- Query by type and a declared attribute: 20 hits.
local buckets
function init(args) buckets = tonumber(args[1]); math.randomseed(11) end
function request()
  return wrk.format("GET", string.format("/ngsi-ld/v1/entities?type=PublicFacility&q=bucket==%d&limit=20", math.random(0, buckets - 1)))
end
