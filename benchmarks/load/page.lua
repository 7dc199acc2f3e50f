-- GET the page at args[1], as a browser does.
local path
function init(args) path = args[1] end
function request()
  return wrk.format("GET", path, {["Accept-Encoding"] = "gzip, br", ["Accept"] = "text/html", ["Accept-Language"] = "ja"})
end
