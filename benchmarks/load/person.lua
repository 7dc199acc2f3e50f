-- GET the records of one of `count` persons, at random, for a purpose: each answer left a receipt first.
local count, token
function init(args) count = tonumber(args[1]); token = args[2]; math.randomseed(42) end
function request()
  local path = string.format("/people/person-%05d/records?purpose=identity", math.random(0, count - 1))
  return wrk.format("GET", path, {["Authorization"] = "Bearer " .. token})
end
