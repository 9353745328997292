-- Sends the requests of a file in turn (one a line: method, path and body with tabs between), and reports as one line.
-- Usage: wrk ... --script requests.lua URL -- FILE [HEADER VALUE]...

local requests, turn = {}, 0

function init(arguments)
   for i = 2, #arguments, 2 do
      wrk.headers[arguments[i]] = arguments[i + 1]
   end
   for line in io.lines(arguments[1]) do
      local method, path, body = line:match("^(%S+)\t(%S+)\t(.*)$")
      requests[#requests + 1] = wrk.format(method, path, nil, body ~= "" and body or nil)
   end
end

function request()
   turn = turn % #requests + 1
   return requests[turn]
end

function done(summary, latency)
   local errors = summary.errors
   local failed = errors.status + errors.connect + errors.read + errors.write + errors.timeout
   io.write(string.format("\nresult %d %d %d %d %d\n", summary.requests, summary.duration, failed,
      latency:percentile(50), latency:percentile(95)))
end
