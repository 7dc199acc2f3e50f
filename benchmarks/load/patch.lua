-- PATCH one attribute of one of `count` entities with a value and a time that it never had.
local count, number, base = 0, 0, 0
wrk.headers["Content-Type"] = "application/json" -- beside a token, where one is sent
function init(args) count = tonumber(args[1]); base = os.time() % 100000; math.randomseed(7) end
function request()
  number = number + 1
  local path = string.format("/ngsi-ld/v1/entities/urn:ngsi-ld:PublicFacility:bench:%07d/attrs", math.random(0, count - 1))
  local at = os.date("!%Y-%m-%dT%H:%M:%S", 1767225600 + base * 1000 + number)
  local body = string.format('{"level":{"type":"Property","value":%d.5,"unitCode":"MTR","observedAt":"%s.%03dZ"}}', number, at, number % 1000)
  return wrk.format("PATCH", path, nil, body)
end
