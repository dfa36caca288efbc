// Using API key in headers
fetch('https://api.voxanne.ai/api/agents', {
  headers: {
    'Authorization': 'Bearer YOUR_API_KEY',
    'Content-Type': 'application/json'
  }
})
