-- Batch upsert of 100 entities per request. The bodies stand ready in a file, one a line; every time round, each
-- entity has another value, so nothing is a write of what is already there.
local bodies, number = {}, 0
wrk.headers["Content-Type"] = "application/json" -- beside a token, where one is sent
function init(args)
  for line in io.lines(args[1]) do bodies[#bodies + 1] = line end
end
function request()
  number = number % #bodies + 1
  return wrk.format("POST", "/ngsi-ld/v1/entityOperations/upsert?options=update", nil, bodies[number])
end
