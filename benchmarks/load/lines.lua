-- One path a line in a file, one after the other.
local paths, number = {}, 0
function init(args)
  for line in io.lines(args[1]) do paths[#paths + 1] = line end
end
function request()
  number = number % #paths + 1
  return wrk.format("GET", paths[number])
end
