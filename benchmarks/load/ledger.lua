-- One statement of a public register per request, each another one.
local number = 0
local headers = { ["Content-Type"] = "application/json" }
function init(args)
  headers["Authorization"] = "Bearer " .. args[1]
end
function request()
  number = number + 1
  return wrk.format("POST", "/ledger/entries", headers,
    '{"register":"wells","statement":{"id":"urn:ngsi-ld:Sensor:' .. number .. '","state":"installed","sha256":'
    .. '"9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"}}')
end
