// List recent calls with filtering
const response = await fetch('https://api.voxanne.ai/api/calls?limit=20&status=completed', {
  headers: {
    'Authorization': 'Bearer YOUR_API_KEY'
  }
});

const calls = await response.json();
calls.forEach(call => {
  console.log(`Call from ${call.from}: ${call.outcome}`);
});
