-- GET one of `count` entities, at random.
local count
function init(args) count = tonumber(args[1]); math.randomseed(42) end
function request()
  return wrk.format("GET", string.format("/ngsi-ld/v1/entities/urn:ngsi-ld:PublicFacility:bench:%07d", math.random(0, count - 1)))
end
